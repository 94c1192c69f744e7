"""Tags: which there are, how words meet tokens, the best row of tags, answers with their places."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from oreline.errors import DataError
from oreline.metrics.tags import first_break
from oreline.runtime.windows import ragged
from oreline.tasks.token_classification import Task, parse

BIO = ["O", "B-X", "I-X", "B-Y", "I-Y"]


def test_all_tags_of_a_label_are_there_and_o_is_first() -> None:
    assert Task.options_from(["B-Y O", ["O", "B-X"]]) == {"labels": BIO}
    assert Task.options_from([["S-X", "O"], ["B-X", "E-X"]]) == {"labels": ["O", "B-X", "I-X", "E-X", "S-X"]}
    assert Task.options_from([["U-X", "O"], ["B-X", "L-X"]]) == {"labels": ["O", "B-X", "I-X", "L-X", "U-X"]}
    assert Task.options_from(["VB NN", "NN JJ"]) == {"labels": ["JJ", "NN", "VB"]}


@pytest.mark.parametrize(
    ("targets", "says", "row"),
    [
        (["O", "O I-X"], "word 2 breaks BIO: 'I-X' follows 'O'", 1),
        (["B-X E-X", "O B-X"], "word 2 breaks BIOES: 'B-X' is the last tag", 1),
        (["B-X O", "S-Y O"], r"word 2 breaks BIOES: 'O' follows 'B-X' \(what the tags are since there is 'S-Y'\)", 0),
        (["O O", "O"], "only 1 tag: O", None),
        ([], "only 0 tag", None),
    ],
)
def test_broken_tags_name_word_and_row(targets: list[str], says: str, row: int | None) -> None:
    with pytest.raises(DataError, match=says) as caught:
        Task.options_from(targets)
    assert caught.value.row == row
    assert ("repair_tags" in caught.value.remedy) == (row is not None)


@pytest.mark.parametrize("stray", ["B-", "X", "b-X", "0", "o", "B_X", ""])
def test_a_single_tag_that_is_no_span_does_not_make_the_others_plain(stray: str) -> None:
    """As plain tags, `O` would be an entity like the others, and nothing would be refused any more."""
    for refuse in (Task.options_from, Task(labels=BIO).refuse_malformed):
        with pytest.raises(DataError, match=f"the tag of word 2 is '{stray}', among tags of spans") as caught:
            refuse([["O", "B-X", "I-X"], ["O", stray]])
        assert caught.value.row == 1
    assert Task.options_from([["O", "X"], ["Y", "O"]]) == {"labels": ["O", "X", "Y"]}
    assert Task.options_from([["NN", "B-"], ["VB", "NN"]]) == {"labels": ["B-", "NN", "VB"]}
    Task(labels=["NN", "VB"]).refuse_malformed([["NN", "B-X"]])


def test_an_unseen_tag_is_refused_in_training_and_missed_in_judging() -> None:
    task = Task(labels=BIO)
    with pytest.raises(DataError, match="'B-Z' was never seen") as caught:
        task.encode_target([["O"], ["B-Z"]])
    assert caught.value.row == 1
    [judged] = task.encode_judged([["B-X", "B-Z"]])
    assert task.names(ragged([judged])) == ["X 1, (unseen in training) 2"]


@pytest.mark.parametrize("cell", ["the film wzq", '["the", "film", "wzq"]'])
def test_words_meet_their_first_tokens(cell: str, tiny_start: Path) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_start / "tokenizer.json"))
    encoded = Task(labels=BIO).encode({"text": [cell]}, tokenizer, 16)
    assert [tokenizer.id_to_token(id) for id in encoded.ids[0]] == ["[CLS]", "the", "film", "w", "##z", "##q", "[SEP]"]
    words = encoded.words[0]
    assert (words.places_W.tolist(), words.num_prefix, words.num_suffix) == ([1, 2, 3], 1, 1)
    targets_T = Task(labels=BIO).token_targets(words, np.array([0, 1, 3]), 7)
    assert targets_T.tolist() == [-100, 0, 1, 3, 4, 4, -100]


def test_later_tokens_of_a_word_have_no_target_where_what_continues_is_not_sure(tiny_start: Path) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_start / "tokenizer.json"))
    task = Task(labels=["O", "B-X", "I-X", "E-X", "S-X"])
    encoded = task.encode({"text": ["film wz"]}, tokenizer, 16)
    assert task.token_targets(encoded.words[0], np.array([0, 4]), 5).tolist() == [-100, 0, 4, -100, -100]


@pytest.mark.parametrize("cell", ["", "   ", "[]", "\u0301", '["\u200b", "film"]', '["", "film", ""]'])
def test_words_that_no_token_stands_for_still_have_a_place(cell: str, tiny_start: Path) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_start / "tokenizer.json"))
    encoded = Task(labels=BIO).encode({"text": [cell]}, tokenizer, 16)
    assert all(0 <= place < len(encoded.ids[0]) for place in encoded.words[0].places_W)


@settings(deadline=None)
@given(st.integers(0, 5), st.integers(0, 10_000), st.sampled_from([BIO, ["O", "B-X", "I-X", "E-X", "S-X"]]))
def test_the_best_tags_are_those_of_a_search_over_all_rows(num_words: int, seed: int, labels: list[str]) -> None:
    task = Task(labels=labels)
    scores_WK = np.random.default_rng(seed).dirichlet(np.ones(len(labels)), size=num_words).astype(np.float32)
    [found] = task.predicted(ragged([scores_WK]))
    valid = [
        tags
        for tags in itertools.product(range(len(labels)), repeat=num_words)
        if first_break([labels[tag] for tag in tags], task.scheme) is None
    ]
    best = max(valid, key=lambda tags: sum(np.log(scores_WK[word, tag]) for word, tag in enumerate(tags)))
    assert tuple(found) == best


def test_answers_have_places_in_characters() -> None:
    task = Task(labels=BIO)
    scores = ragged([np.eye(5, dtype=np.float32)[[0, 1, 2, 0]], np.empty((0, 5), np.float32)])
    first, second = task.decode({"scores": scores}, {"text": ["in New  York.", ""]})
    assert first["entities"] == [{"label": "X", "text": "New  York", "start": 3, "end": 12, "score": 1.0}]
    assert (task.found_entities, Task(labels=["a", "b"]).found_entities) == (("X", "Y"), ())
    assert first["words"] == ["in", "New", "York", "."]
    assert first["tags"] == ["O", "B-X", "I-X", "O"]
    assert second == {"entities": [], "words": [], "tags": []}
    [tagged] = Task(labels=["NN", "VB"]).decode(
        {"scores": ragged([np.eye(2, dtype=np.float32)])}, {"text": ['["dogs", "bark"]']}
    )
    assert tagged == {"words": ["dogs", "bark"], "tags": ["NN", "VB"]}


def test_credit_is_the_f1_of_a_row() -> None:
    task = Task(labels=BIO)
    true = task.encode_target(["B-X I-X O B-Y", "O O", "O"])
    given_ = task.encode_target(["B-X I-X O B-X", "O O", "B-X"])
    assert task.credit(true, given_).tolist() == [0.5, 1.0, 0.0]
    assert task.names(true) == ["X 1-2, Y 4", "(none)", "(none)"]
    assert task.outcomes(true) == ["X and more", "(none)", "(none)"]
    plain = Task(labels=["NN", "VB"])
    assert plain.credit(plain.encode_target(["NN VB"]), plain.encode_target(["NN NN"])).tolist() == [0.5]


@pytest.mark.parametrize("target", ["B-X O", '["B-X", "O"]', ["B-X", "O"], ("B-X", "O")])
def test_forms_of_targets(target: object) -> None:
    assert parse(target) == ["B-X", "O"]
    assert parse(None) == []


def test_capitals_stand_in_the_segments_of_a_word_s_tokens(tiny_start: Path) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_start / "tokenizer.json"))
    task = Task(labels=BIO, capitals=True)
    encoded = task.encode({"text": ["the FILM Wzq"]}, tokenizer, 16)
    assert [tokenizer.id_to_token(id) for id in encoded.ids[0]] == ["[CLS]", "the", "film", "w", "##z", "##q", "[SEP]"]
    assert encoded.segments[0].tolist() == [0, 0, 1, 1, 1, 1, 0]
    assert Task(labels=BIO).encode({"text": ["the FILM"]}, tokenizer, 16).segments is None
    assert Task(**task.options).capitals


def test_a_row_may_come_as_the_words_it_was_refined_from() -> None:
    task = Task(labels=BIO)
    row = {"id": 7, "text": ["New", "York"]}
    assert task.as_read(row) == {"id": 7, "text": '["New", "York"]'}
    for other in ({"text": "New York"}, {"text": []}, {"text": ["New", 1]}, {"id": 7}):
        assert task.as_read(other) == other
