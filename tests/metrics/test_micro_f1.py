"""Micro and macro figures of several labels against scikit-learn on repeated rows, and a case worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support
from tests.metrics.tables import marked

from oreline.evaluate.table import Table
from oreline.metrics.micro_f1 import Metric
from oreline.tasks.multilabel import Task


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 20), st.integers(2, 6), st.integers(0, 10_000))
def test_equal_scikit_learn_on_repeated_rows(num_rows: int, num_labels: int, seed: int):
    source = np.random.default_rng(seed)
    true_NK, given_NK = (source.random((2, num_rows, num_labels)) < source.random((2, 1, num_labels))).astype(int)
    weights_RN = source.integers(0, 4, size=(3, num_rows))
    weights_RN[:, 0] += 1
    found = Metric().values(marked(true_NK, given_NK), weights_RN.astype(float))
    for resample, weights_N in enumerate(weights_RN):
        true, given_ = (np.repeat(marks_NK, weights_N, axis=0) for marks_NK in (true_NK, given_NK))
        micro = precision_recall_fscore_support(true, given_, average="micro", zero_division=np.nan)
        for name, value in zip(("precision", "recall", "f1"), micro, strict=False):
            assert found[f"micro_{name}"][resample] == pytest.approx(value, nan_ok=True)
        present = np.flatnonzero((true + given_).any(axis=0))
        macro = np.nan
        if len(present):
            macro = precision_recall_fscore_support(true, given_, labels=present, average="macro", zero_division=0)[2]
        assert found["macro_f1"][resample] == pytest.approx(macro, nan_ok=True)


def test_known_by_hand():
    # Label a: 2 right of 2 true and 3 given, F1 4/5. b: 0 of 1 true and 1 given, F1 0. c: nowhere.
    true_NK = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]])
    given_NK = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]])
    table = marked(true_NK, given_NK)
    found = {name: values_R[0] for name, values_R in Metric().values(table, np.ones((1, 4))).items()}
    assert found["micro_precision"] == pytest.approx(2 / 4)
    assert found["micro_recall"] == pytest.approx(2 / 3)
    assert found["micro_f1"] == pytest.approx(4 / 7)
    assert found["macro_f1"] == pytest.approx((4 / 5 + 0) / 2)
    assert Metric().num_rows(table) == {"micro_f1": 3, "micro_precision": 3, "micro_recall": 2, "macro_f1": 3}


def test_without_any_label_nothing_is_defined():
    table = marked(np.zeros((2, 3)), np.zeros((2, 3)))
    assert all(np.isnan(values_R).all() for values_R in Metric().values(table, np.ones((1, 2))).values())
    assert set(Metric().num_rows(table).values()) == {0}


def test_the_thresholds_of_the_task_decide_what_is_given():
    scores_NK = np.array([[0.4, 0.4]])
    strict, mild = (
        Table(Task(labels=["a", "b"], thresholds=[cut, 0.5]), np.array([[1.0, 0.0]]), scores_NK, ["1"], [""])
        for cut in (0.5, 0.3)
    )
    assert Metric().values(strict, np.ones((1, 1)))["micro_f1"][0] == 0.0
    assert Metric().values(mild, np.ones((1, 1)))["micro_f1"][0] == 1.0
