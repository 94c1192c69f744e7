"""Intent and slots of one row in one model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from oreline.errors import DataError
from oreline.runtime.windows import ragged
from oreline.tasks.intent_slots import Task, parse

TASK = Task(intents=["go", "stop"], tags=["O", "B-X", "I-X"])


def test_options_come_from_both_parts() -> None:
    assert Task.options_from([["go", "O", "B-X"], '["stop", "O"]']) == {
        "intents": ["go", "stop"], "tags": ["O", "B-X", "I-X"],
    }  # fmt: skip
    with pytest.raises(DataError, match="only 1 class"):
        Task.options_from([["go", "O", "B-X"], ["go", "O"]])
    with pytest.raises(DataError, match="word 2 breaks BIO") as caught:
        Task.options_from([["go", "O", "B-X"], ["stop", "O", "I-X"]])
    assert caught.value.row == 1


def test_the_first_token_answers_the_intent(tiny_start: Path) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_start / "tokenizer.json"))
    encoded = TASK.encode({"text": ["the film"]}, tokenizer, 16)
    assert encoded.words[0].places_W.tolist() == [0, 1, 2]
    [target] = TASK.encode_target([["stop", "O", "B-X"]])
    assert target.tolist() == [4, 0, 1]
    assert TASK.token_targets(encoded.words[0], target, 4).tolist() == [4, 0, 1, -100]


def test_probabilities_are_of_intents_first_and_of_tags_then() -> None:
    scores_WK = TASK.activate(np.random.default_rng(0).normal(size=(3, 5)))
    np.testing.assert_allclose(scores_WK[0, :3], 0)
    np.testing.assert_allclose(scores_WK[1:, 3:], 0)
    np.testing.assert_allclose(scores_WK.sum(axis=1), 1, rtol=1e-6)


def test_answers_and_credit() -> None:
    scores = ragged([np.eye(5, dtype=np.float32)[[3, 0, 1, 2]], np.eye(5, dtype=np.float32)[[4]]])
    predicted = TASK.predicted(scores)
    assert [row.tolist() for row in predicted] == [[3, 0, 1, 2], [4]]
    first, second = TASK.decode({"scores": scores}, {"text": ["to New York", ""]})
    assert first["label"] == "go"
    assert first["scores"] == {"go": 1.0, "stop": 0.0}
    assert first["entities"] == [{"label": "X", "text": "New York", "start": 3, "end": 11, "score": 1.0}]
    assert TASK.found_entities == ("X",)
    assert (second["label"], second["tags"]) == ("stop", [])
    assert TASK.decode({"scores": ragged([])}, {"text": []}) == []
    assert TASK.names(predicted) == ["go: X 2-3", "stop: (none)"]
    assert TASK.outcomes(predicted) == ["go", "stop"]
    true = TASK.encode_target([["stop", "O", "B-X", "I-X"], ["stop"]])
    assert TASK.credit(true, predicted).tolist() == [0.5, 1.0]


def test_what_training_never_saw_is_refused_or_missed() -> None:
    with pytest.raises(DataError, match="'halt' was never seen") as caught:
        TASK.encode_target([["go"], ["halt"]])
    assert caught.value.row == 1
    assert not TASK.knows(["go", "B-Y"])
    judged = TASK.encode_judged([["halt", "B-Y"]])
    assert TASK.names(judged) == ["(unseen in training): (unseen in training) 1"]


def test_targets_are_lists_or_json() -> None:
    assert parse('["go", "O"]') == parse(["go", "O"]) == ("go", ["O"])
    assert parse("go") == ("go", [])


def test_a_row_may_come_as_a_list_of_words() -> None:
    assert TASK.as_read({"text": ["to", "New", "York"]}) == {"text": '["to", "New", "York"]'}
