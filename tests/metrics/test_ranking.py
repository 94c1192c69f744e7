"""Ranking figures against scikit-learn on repeated rows, ties included, and a case worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import coverage_error, label_ranking_average_precision_score, label_ranking_loss

from oreline.evaluate.table import Table
from oreline.metrics.ranking import Metric
from oreline.tasks.multilabel import Task

ORACLES = {
    "lrap": label_ranking_average_precision_score,
    "ranking_loss": label_ranking_loss,
    "coverage_error": coverage_error,
}


def scored(true_NK: np.ndarray, scores_NK: np.ndarray) -> Table:
    """A table of marks and scores."""
    rows = [f"f:{row}" for row in range(len(true_NK))]
    labels = [f"label {k}" for k in range(true_NK.shape[1])]
    return Table(Task(labels=labels), np.asarray(true_NK, np.float32), scores_NK, rows, rows)


def coarse(num_rows: int, num_labels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Marks, and scores in few steps: equal scores are frequent, and so are rows with all labels or none."""
    source = np.random.default_rng(seed)
    true_NK = (source.random((num_rows, num_labels)) < source.random((num_rows, 1))).astype(int)
    return true_NK, source.integers(source.integers(1, 8), size=(num_rows, num_labels)) / 8


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 20), st.integers(2, 7), st.integers(0, 10_000))
def test_equal_scikit_learn_on_repeated_rows(num_rows: int, num_labels: int, seed: int):
    true_NK, scores_NK = coarse(num_rows, num_labels, seed)
    weights_RN = np.random.default_rng(seed).integers(0, 4, size=(3, num_rows))
    weights_RN[:, 0] += 1
    found = Metric().values(scored(true_NK, scores_NK), weights_RN.astype(float))
    assert found.keys() == ORACLES.keys()
    for resample, weights_N in enumerate(weights_RN):
        true, scores = (np.repeat(each_NK, weights_N, axis=0) for each_NK in (true_NK, scores_NK))
        for name, oracle in ORACLES.items():
            assert found[name][resample] == pytest.approx(oracle(true, scores)), name


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 20), st.integers(1, 7), st.integers(0, 10_000))
def test_only_the_order_of_the_scores_matters(num_rows: int, num_labels: int, seed: int):
    true_NK, scores_NK = coarse(num_rows, num_labels, seed)
    stretched_NK = 0.1 + 0.5 * scores_NK**2
    ones = np.ones((1, num_rows))
    assert Metric().values(scored(true_NK, scores_NK), ones) == Metric().values(scored(true_NK, stretched_NK), ones)


def test_known_by_hand():
    # The labels a row has are 1st and 3rd of four: precision 1/1 and 2/3, one of four pairs wrong, three to read.
    table = scored(np.array([[0, 1, 1, 0]]), np.array([[0.6, 0.9, 0.3, 0.1]]))
    found = {name: values_R[0] for name, values_R in Metric().values(table, np.ones((1, 1))).items()}
    assert found["lrap"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["ranking_loss"] == pytest.approx(1 / 4)
    assert found["coverage_error"] == 3.0


def test_where_there_is_nothing_to_rank_the_row_is_perfect():
    table = scored(np.array([[0, 0], [1, 1]]), np.array([[0.9, 0.1], [0.9, 0.1]]))
    found = Metric().values(table, np.eye(2))
    assert found["lrap"].tolist() == [1.0, 1.0]
    assert found["ranking_loss"].tolist() == [0.0, 0.0]
    assert found["coverage_error"].tolist() == [0.0, 2.0]
    only_one = scored(np.array([[0], [1]]), np.array([[0.9], [0.1]]))
    assert Metric().values(only_one, np.ones((1, 2)))["coverage_error"].tolist() == [0.5]
