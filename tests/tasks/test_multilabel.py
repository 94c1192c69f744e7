"""Several labels for each text: how targets are read, thresholds, credit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, jaccard_score

from oreline.errors import DataError
from oreline.tasks.multilabel import Task, best_threshold, parse


@pytest.mark.parametrize(
    ("targets", "labels", "separator"),
    [
        ([["b", "a"], [], ["a"]], ["a", "b"], ""),
        (["b|a", "", "a"], ["a", "b"], "|"),
        (["b; a", "c, d; a"], ["a", "b", "c, d"], ";"),
        (["b,a", None], ["a", "b"], ","),
        (['["b", "a, c"]', "[]"], ["a, c", "b"], ""),
        (["one", "two"], ["one", "two"], ""),
        ([("x",), np.array(["y"])], ["x", "y"], ""),
    ],
)
def test_targets_are_lists_json_or_strings_with_a_separator(targets, labels, separator):
    assert Task.options_from(targets) == {"labels": labels, "separator": separator}
    task = Task(**Task.options_from(targets))
    assert task.encode_target(targets).sum() == sum(len(parse(target, separator)) for target in targets)


def test_a_column_without_a_label_or_with_too_many_is_refused():
    with pytest.raises(DataError, match="none of the 3 training rows has a label") as caught:
        Task.options_from([[], "", None])
    assert caught.value.row == 0
    with pytest.raises(DataError, match="all 2 training rows have the same labels: a, b"):
        Task.options_from(["a|b", "b|a"])
    with pytest.raises(DataError, match="30 labels in 30 rows"):
        Task.options_from([[f"id {n}"] for n in range(30)])
    with pytest.raises(DataError, match="'c' was never seen") as caught:
        Task(labels=["a", "b"]).encode_target([["a"], ["c"]])
    assert caught.value.row == 1


@pytest.mark.parametrize("wrong", [[["a"]], {"a": 1}, '[["a"]]', '{"a": 1}'])
def test_a_label_that_is_no_name_is_refused_with_its_row(wrong):
    with pytest.raises(DataError, match="stands where a label is expected") as caught:
        Task.options_from([["a"], ["b"], wrong])
    assert caught.value.row == 2


@pytest.mark.parametrize("empty", [[""], ["", " "], [None], '["", ""]', " | "])
def test_labels_that_are_all_empty_are_refused_with_their_row(empty):
    targets = [["好"], "a|b", [], "", " ", None, "[]", empty, empty]
    with pytest.raises(DataError, match="which are all empty") as caught:
        Task.options_from(targets)
    assert caught.value.row == 7
    assert '"[]"' in caught.value.remedy
    with pytest.raises(DataError) as caught:
        Task(labels=["a"], separator="|").refuse_malformed(targets)
    assert caught.value.row == 7
    assert Task.options_from(targets[:7])["labels"] == ["a", "b", "好"]


def test_labels_of_no_row_are_found():
    task = Task(labels=["a", "b", "c"])
    assert task.absent(task.encode_target([["a"], ["a", "c"]])) == ["b"]
    assert task.absent(task.encode_target([["a", "b", "c"]])) == []


def test_yes_and_no_are_no_labels():
    with pytest.raises(DataError, match="one of the labels 0 and 1") as caught:
        Task.options_from(["0", "1", "0"])
    assert "one list of names" in str(caught.value.remedy)
    assert Task.options_from([["0"], ["1"], ["0", "1"]])["labels"] == ["0", "1"]  # numbers of classes


def test_answers_list_what_reaches_its_own_threshold():
    task = Task(labels=["a", "b"], thresholds=[0.9, 0.2])
    scores_NK = np.array([[0.8, 0.3], [0.95, 0.1], [0.1, 0.1]], np.float32)
    answers = task.decode({"scores": scores_NK}, {})
    assert [answer["labels"] for answer in answers] == [["b"], ["a"], []]
    assert answers[0]["scores"] == {"a": pytest.approx(0.8), "b": pytest.approx(0.3)}
    assert task.names(task.predicted(scores_NK)) == ["b", "a", "(none)"]
    assert task.outcomes(np.array([[1, 1], [0, 1], [0, 0]])) == ["a and more", "b", "(none)"]


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_credit_is_the_jaccard_index(seed: int):
    source = np.random.default_rng(seed)
    true_NK, given_NK = source.integers(0, 2, size=(2, 8, 4)).astype(np.float32)
    credit_N = Task(labels=list("abcd")).credit(true_NK, given_NK)
    for row in range(8):
        assert credit_N[row] == pytest.approx(jaccard_score(true_NK[row], given_NK[row], zero_division=1.0))


SCORES = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]
BETWEEN = [0.0, 0.05, 0.2, 0.3, 0.6, 0.8, 0.95, 1.01]
"""Thresholds below, between and above the scores: no others tell rows apart otherwise."""


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(SCORES)), min_size=1, max_size=30))
def test_no_threshold_has_a_higher_f1_than_the_best_one(rows):
    marks_N = np.array([mark for mark, _ in rows], float)
    scores_N = np.array([score for _, score in rows])
    chosen = best_threshold(marks_N, scores_N)
    assert 0 <= chosen <= 1

    def f1(threshold: float) -> float:
        return f1_score(marks_N, scores_N >= threshold, zero_division=0.0)

    if marks_N.any():
        assert f1(chosen) == pytest.approx(max(f1(threshold) for threshold in BETWEEN))
    else:
        assert chosen == 0.5


def test_a_label_of_few_dev_rows_gets_the_threshold_of_all():
    source = np.random.default_rng(0)
    marks_NK = np.zeros((200, 2), np.float32)
    marks_NK[:100, 0], marks_NK[0, 1] = 1, 1
    scores_NK = np.column_stack([np.clip(0.6 * marks_NK[:, 0] + 0.3 * source.random(200), 0, 1), np.full(200, 1e-4)])
    scores_NK[0, 1] = 2e-4  # alone it would be told apart by a threshold that means nothing
    tuned = Task(labels=["often", "once"]).tuned(marks_NK, scores_NK)
    assert 0.3 < tuned.thresholds_K[0] < 0.6
    assert tuned.thresholds_K[1] > 0.2
    assert best_threshold(marks_NK[:, 1], scores_NK[:, 1]) < 2e-4


def test_the_logistic_function_never_overflows():
    scores_NK = Task(labels=["a", "b"]).activate(np.array([[1000.0, -1000.0], [0.0, 2.0]]))
    np.testing.assert_allclose(scores_NK, [[1, 0], [0.5, 0.880797]], atol=1e-6)
