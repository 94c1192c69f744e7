"""What tasks say that their answers are explained by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from oreline import registry
from oreline.errors import UsageError
from oreline.explain.explain import explain
from oreline.runtime.windows import ragged
from oreline.tasks.explaining import chosen, followed_entity
from oreline.types import Columns, Predictions
from oreline.words import units

TAGS = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]


class Fake:
    """A runtime whose scores for the words of a text are looked up by a function."""

    def __init__(self, task: Any, scores: Any) -> None:
        self.task, self._scores = task, scores

    def predict(self, columns: Columns, *, embeddings: bool = False) -> Predictions:
        rows = [self._scores(dict(zip(columns, values))) for values in zip(*columns.values())]
        nothing = np.zeros(len(rows), dtype=bool)
        is_ragged = self.task.view in ("tags", "frames", "answers")
        return Predictions(
            {"scores": ragged(rows) if is_ragged else np.stack(rows)}, None, nothing.astype(int), nothing
        )


def weights(answer: Mapping[str, Any], role: str = "text") -> dict[str, float]:
    return {entry["word"]: entry["weight"] for entry in answer["words"] if entry["input"] == role}


def tag_scores(row: Mapping[str, str]) -> Any:
    """`York` is of a place, more so behind `in`; `Ann` is a person."""
    words = [unit.word for unit in units(row["text"])]
    place = 0.9 if "in" in words else 0.6
    scores = {"York": [1 - place, place / 2, place / 2, 0, 0], "Ann": [0.3, 0, 0, 0.7, 0], "大": [0.4, 0.6, 0, 0, 0]}
    return np.array([scores.get(word, [0.8, 0.05, 0.05, 0.1, 0.0]) for word in words]).reshape(-1, 5)


def test_the_surest_entity_is_followed_to_where_it_stands() -> None:
    runtime = Fake(registry.create("task", "token_classification", labels=TAGS), tag_scores)
    [answer] = explain(runtime, ["Ann is in York"])
    assert (answer["label"], answer["score"], answer["number"]) == ("LOC", 0.9, "probability")
    assert answer["span"] == {"input": "text", "start": 10, "end": 14}
    assert weights(answer) == pytest.approx({"Ann": 0.0, "is": 0.0, "in": 0.3, "York": 0.8})
    [other] = explain(runtime, ["Ann is in York"], label="PER")
    assert other["span"] == {"input": "text", "start": 0, "end": 3}
    assert weights(other)["Ann"] == pytest.approx(0.6)
    assert weights(other)["York"] == 0.0
    assert explain(runtime, ["Ann is in York"], label="B-PER") == [other]
    [chinese] = explain(runtime, ["在大"])
    assert chinese["span"] == {"input": "text", "start": 1, "end": 2}
    with pytest.raises(UsageError, match="no label 'ORG'"):
        explain(runtime, ["Ann"], label="ORG")


def test_where_there_is_no_entity_the_likeliest_word_is_followed() -> None:
    runtime = Fake(registry.create("task", "token_classification", labels=TAGS), tag_scores)
    [answer] = explain(runtime, ["this is in York"], label="PER")
    assert (answer["label"], answer["score"]) == ("PER", 0.1)
    assert answer["span"]["end"] == 4
    [nothing] = explain(runtime, [""])
    assert (nothing["score"], nothing["span"], nothing["words"]) == (0.0, None, [])


def test_plain_tags_are_followed_word_by_word() -> None:
    rows = [np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([[0.8, 0.2], [0.5, 0.5]])]
    found = followed_entity(rows, [], ["NN", "VB"], "plain", "VB")
    assert found is not None
    assert (found.label, found.start, found.end, found.scores_V.tolist()) == ("VB", 1, 2, [0.7, 0.5])


def frame_scores(row: Mapping[str, str]) -> Any:
    going = 0.9 if "go" in row["text"] else 0.4
    words = tag_scores(row)
    first = np.array([[0, 0, 0, 0, 0, going, 1 - going]])
    return np.concatenate([first, np.concatenate([words, np.zeros((len(words), 2))], axis=1)])


def test_of_intents_and_slots_the_intent_or_the_slot_that_is_named() -> None:
    runtime = Fake(registry.create("task", "intent_slots", intents=["go", "stop"], tags=TAGS), frame_scores)
    [answer] = explain(runtime, ["go in York"])
    assert (answer["label"], answer["score"], answer["span"]) == ("go", 0.9, None)
    assert weights(answer) == pytest.approx({"go": 0.5, "in": 0.0, "York": 0.0})
    [other] = explain(runtime, ["go in York"], label="stop")
    assert weights(other)["go"] == pytest.approx(-0.5)
    [slot] = explain(runtime, ["go in York"], label="LOC")
    assert (slot["label"], slot["span"]) == ("LOC", {"input": "text", "start": 6, "end": 10})
    assert weights(slot)["in"] == pytest.approx(0.3)
    with pytest.raises(UsageError, match="no label 'ORG'") as caught:
        explain(runtime, ["go"], label="ORG")
    assert "go" in caught.value.allowed


def span_scores(row: Mapping[str, str]) -> Any:
    """A number is the answer to a question of when, more surely behind `in`; nothing else is asked."""
    words = [unit.word for unit in units(row["text_pair"])]
    raw = [0.1, *(0.05 for _ in words)]
    for place, word in enumerate(words):
        if word.isdigit() and "When" in row["text"]:
            raw[1 + place] = 4.0 if "in" in words else 1.0
    shares = np.array(raw) / sum(raw)
    return np.stack([shares, shares], axis=1)


def test_the_answered_span_is_followed_over_question_and_context() -> None:
    runtime = Fake(registry.create("task", "question_answering", max_answer_words=1, threshold=0.0), span_scores)
    row = {"text": "When born", "text_pair": "Ann, in 1912"}
    [answer] = explain(runtime, [row])
    assert (answer["label"], answer["span"]) == ("1912", {"input": "text_pair", "start": 8, "end": 12})
    [decoded] = runtime.task.decode(runtime.predict({role: [text] for role, text in row.items()}).outputs, {
        role: [text] for role, text in row.items()
    })  # fmt: skip
    assert answer["score"] == pytest.approx(decoded["score"], abs=1e-5)
    assert weights(answer)["When"] > 0.5
    assert weights(answer)["born"] == 0
    found = weights(answer, "text_pair")
    assert list(found) == ["Ann", ",", "in", "1912"]
    assert found["1912"] > found["in"] > 0 == found["Ann"]


def test_another_span_and_no_answer_can_be_asked_about() -> None:
    runtime = Fake(registry.create("task", "question_answering", max_answer_words=2, threshold=0.0), span_scores)
    row = {"text": "When born", "text_pair": "Ann, in 1912"}
    [other] = explain(runtime, [row], label="Ann")
    assert (other["label"], other["span"]["end"]) == ("Ann", 3)
    assert other["score"] < 0.01
    [none] = explain(runtime, [row], label="(no answer)")
    assert (none["label"], none["span"]) == ("(no answer)", None)
    assert weights(none)["When"] < 0
    [unasked] = explain(runtime, [{**row, "text": "Who"}])
    assert unasked["label"] == "(no answer)"
    with pytest.raises(UsageError, match="not in its context"):
        explain(runtime, [row], label="1913")
    with pytest.raises(UsageError, match="has 4 words"):
        explain(runtime, [row], label="Ann, in 1912")


def test_of_a_long_context_the_words_around_the_answer_are_weighed() -> None:
    runtime = Fake(registry.create("task", "question_answering", max_answer_words=1), span_scores)
    context = "word " * 300 + "in 1912" + " word" * 50
    [answer] = explain(runtime, [{"text": "When", "text_pair": context}], max_words=6)
    assert [entry["word"] for entry in answer["words"]] == ["When", "word", "in", "1912", "word", "word"]
    assert answer["note"] == "only the nearest 6 of 353 words were weighed"


@pytest.mark.parametrize("name", ["regression", "similarity"])
def test_numbers_are_explained_in_their_own_unit(name: str) -> None:
    task = registry.create("task", name, mean=3.0, spread=2.0)
    runtime = Fake(task, lambda row: np.array([1.0 if "great" in row["text"] else 0.5]))
    row = dict.fromkeys(task.inputs, "a great film")
    [answer] = explain(runtime, [row])
    assert (answer["label"], answer["score"], answer["number"]) == ("value", 5.0, "value")
    assert weights(answer) == {"a": 0.0, "great": 1.0, "film": 0.0}
    with pytest.raises(UsageError, match="no label 'x'"):
        explain(runtime, [row], label="x")


def test_an_unknown_label_is_refused() -> None:
    labels: Sequence[str] = ["fresh", "rotten"]
    assert chosen("fresh", labels) == "fresh"
    with pytest.raises(UsageError, match="no label 'fersh'"):
        chosen("fersh", labels)
