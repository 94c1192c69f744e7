"""What every task keeps to. A new file in `tasks/` is tested here without a line of its own."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from oreline import registry
from oreline.errors import DataError
from oreline.runtime.windows import ragged
from oreline.types import FRAME, ROLES, Written
from oreline.words import words_of

TASKS = registry.names("task")
TARGETS: dict[str, list[Any]] = {
    "classes": ["x", "y", "x", "z"],
    "labels": [["x"], ["z", "y"], [], ["x"]],
    "numbers": [1.0, 2.5, 1.0, "4"],
    "tags": ["O B-X", ["B-Y", "I-Y", "O"], [], '["B-X"]'],
    "frames": [["go", "O", "B-X"], ["stop", "B-Y", "I-Y", "O"], ["go"], '["stop", "B-X"]'],
    "texts": ["a good film", "这部电影", "a good film", "bad"],
    "retrieval": ["x", "y", '{"text_pair": "x", "label": "1"}', {"text_pair": "z", "negative": "x"}],
    "answers": ["good film", [], [{"text": "a", "start": 0}, "a a"], '[{"text": "好看", "start": 5}]'],
}
"""Targets of a few rows, by the view of the task that takes them."""
UNKNOWN = {
    "classes": "unseen",
    "labels": ["x", "unseen"],
    "numbers": "unseen",
    "tags": "O B-unseen",
    "frames": ["unseen", "O"],
    "texts": " ",
    "retrieval": " ",
    "answers": [{"text": "good", "start": "x"}],
}
SET_BY_TRAINING = {"chat": {"template": "{% for m in messages %}{{ m.content }} {% endfor %}a", "end": "[SEP]"}}
"""Options that a task takes from the start model."""
TEXTS = ["good film", "", "a " * 500, "这部电影 好看", "😀 \u200b", "good film"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    vocabulary = {piece: index for index, piece in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "film", "a"])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    specials = [("[CLS]", 2), ("[SEP]", 3)]
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=specials
    )
    return made


def build(name: str) -> Any:
    """Build a task from the targets of a few rows, as training does."""
    plug = registry.get("task", name)
    return plug(**plug.options_from(TARGETS[plug.view]), **SET_BY_TRAINING.get(name, {}))


def columns(task: Any, num_rows: int) -> dict[str, list[str]]:
    """Rows for every input that the task reads."""
    texts = [f"<e1>{text or 'a'}</e1> <e2>b</e2>" for text in TEXTS] if hasattr(task, "fault") else TEXTS
    return {role: [texts[row % len(texts)] for row in range(num_rows)] for role in task.inputs}


def scores_of(task: Any, scores_NK: Any, num_words: list[int]) -> Any:
    """Rows of scores, each repeated for every word where the task answers words."""
    if task.view == "texts":
        return ragged([Written((f"text {row}",), tuple(row_K)) for row, row_K in enumerate(scores_NK.tolist())])
    if task.view not in ("tags", "frames", "answers"):
        return scores_NK
    first = int(task.view != "tags")  # the intent, or "no answer", stands before the words
    return ragged([np.tile(row_K, (words + first, 1)) for row_K, words in zip(scores_NK, num_words)])


def test_there_are_tasks() -> None:
    assert "text_classification" in TASKS


@pytest.mark.parametrize("name", TASKS)
class TestTask:
    def test_names_roles_and_plugs_that_exist(self, name: str) -> None:
        plug = registry.get("task", name)
        assert plug.inputs
        assert set(plug.inputs) | {plug.target} <= {*ROLES, FRAME}
        assert plug.target not in plug.inputs
        assert plug.head in registry.names("head")
        assert plug.metrics
        assert set(plug.metrics) <= set(registry.names("metric"))
        assert plug.view in registry.names("view")
        assert {getattr(registry.get("metric", metric), "view", "classes") for metric in plug.metrics} == {plug.view}

    def test_options_round_trip_through_json(self, name: str) -> None:
        task = build(name)
        rebuilt = registry.create("task", name, **json.loads(json.dumps(task.options)))
        assert rebuilt.options == task.options
        assert rebuilt.labels == task.labels

    def test_options_do_not_depend_on_the_order_of_rows(self, name: str) -> None:
        plug = registry.get("task", name)
        targets = TARGETS[plug.view]
        assert plug.options_from(targets) == plug.options_from(targets[::-1])

    @pytest.mark.parametrize("num_rows", [0, 1, 13])
    def test_encodes_every_row_within_the_limit(self, name: str, num_rows: int, tokenizer: Tokenizer) -> None:
        task = build(name)
        encoded = task.encode(columns(task, num_rows), tokenizer, 16)
        assert len(encoded.ids) == len(encoded.truncated_N) == num_rows
        assert all(len(ids) >= 1 and ids.dtype == np.int32 for ids in encoded.ids)
        if encoded.words is not None:  # rows of words are whole: the runtime reads long ones in windows
            assert len(encoded.words) == num_rows
            assert len(task.inputs) > 1 or not encoded.truncated_N.any()
            return
        assert all(len(ids) <= 16 for ids in encoded.ids)
        if encoded.segments is not None:
            assert [len(row) for row in encoded.segments] == [len(ids) for ids in encoded.ids]
        if num_rows > 2:
            assert encoded.truncated_N[2]
            assert not encoded.truncated_N[0]

    def test_a_row_is_encoded_the_same_in_any_company(self, name: str, tokenizer: Tokenizer) -> None:
        task = build(name)
        rows = columns(task, 6)
        together = task.encode(rows, tokenizer, 16)
        for row in range(6):
            alone = task.encode({role: [values[row]] for role, values in rows.items()}, tokenizer, 16)
            np.testing.assert_array_equal(alone.ids[0], together.ids[row])
            assert alone.truncated_N[0] == together.truncated_N[row]

    def test_does_not_change_what_it_is_given(self, name: str, tokenizer: Tokenizer) -> None:
        task = build(name)
        rows, settings = columns(task, 6), tokenizer.to_str()
        task.encode(rows, tokenizer, 16)
        assert rows == columns(task, 6)
        assert tokenizer.to_str() == settings

    def test_an_unseen_target_is_refused(self, name: str) -> None:
        task = build(name)
        known, unknown = TARGETS[task.view][0], UNKNOWN[task.view]
        assert task.knows(known)
        assert not task.knows(unknown)
        with pytest.raises(DataError, match=r"never seen|not a number|is empty|no second text|no answer"):
            task.encode_target([known, unknown])

    def test_the_truth_itself_gets_full_credit_and_is_named(self, name: str) -> None:
        task = build(name)
        targets = task.encode_target(TARGETS[task.view])
        np.testing.assert_array_equal(task.credit(targets, targets), np.ones(4))
        assert len(task.names(targets)) == len(task.outcomes(targets)) == 4
        assert task.names(targets)[0] == task.names(targets[[0]])[0]

    def test_credit_lies_between_none_and_full(self, name: str) -> None:
        task = build(name)
        targets = task.encode_target(TARGETS[task.view])
        credit_N = task.credit(targets, targets[::-1])
        assert ((credit_N >= 0) & (credit_N <= 1)).all()
        assert credit_N.min() < 1

    @pytest.mark.parametrize("num_rows", [0, 2])
    def test_scores_become_json_ready_answers_and_predictions(self, name: str, num_rows: int) -> None:
        task = build(name)
        rows = columns(task, num_rows)
        logits_NK = np.random.default_rng(0).normal(scale=50, size=(num_rows, len(task.labels))).astype(np.float32)
        scores_NK = task.activate(logits_NK)
        assert (scores_NK.shape, scores_NK.dtype) == (logits_NK.shape, np.float32)
        assert np.isfinite(scores_NK).all()
        scores = scores_of(task, scores_NK, [len(words_of(text)[1]) for text in rows[task.inputs[-1]]])
        answers = task.decode({"scores": scores}, rows)
        assert len(answers) == len(task.predicted(scores)) == num_rows
        assert json.loads(json.dumps(answers)) == answers

    def test_what_is_tuned_on_dev_round_trips_too(self, name: str) -> None:
        task = build(name)
        targets = task.encode_target(TARGETS[task.view])
        scores_NK = task.activate(np.random.default_rng(0).normal(size=(4, len(task.labels))))
        scores = scores_of(
            task,
            scores_NK,
            [len(target) - (task.view == "frames") if task.view in ("tags", "frames") else 4 for target in targets],
        )
        tuned = task.tuned(targets, scores)
        rebuilt = registry.create("task", name, **json.loads(json.dumps(tuned.options)))
        for one, other in zip(rebuilt.predicted(scores), tuned.predicted(scores), strict=True):
            np.testing.assert_array_equal(one, other)
        assert tuned.credit(targets, tuned.predicted(scores)).mean() >= 0
