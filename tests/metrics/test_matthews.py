"""Matthews' correlation beside scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from oreline.evaluate.table import Table
from oreline.metrics.matthews import Metric
from oreline.tasks.text_classification import Task


def table(targets_N: np.ndarray, predicted_N: np.ndarray, num: int) -> Table:
    ids = [""] * len(targets_N)
    return Table(Task(labels=[f"c{k}" for k in range(num)]), targets_N, np.eye(num)[predicted_N], ids, ids)


@pytest.mark.parametrize("num", [2, 3, 7])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_scikit_learns_with_weights_as_repeated_rows(num: int, seed: int) -> None:
    source = np.random.default_rng(seed)
    targets_N, predicted_N = source.integers(num, size=(2, 60))
    predicted_N[:25] = targets_N[:25]
    weights_RN = np.vstack([np.ones(60), source.integers(0, 4, 60)])
    found_R = Metric().values(table(targets_N, predicted_N, num), weights_RN)["matthews"]
    for row, weights_N in enumerate(weights_RN):
        assert found_R[row] == pytest.approx(matthews_corrcoef(targets_N, predicted_N, sample_weight=weights_N))


def test_one_class_throughout_is_what_chance_reaches() -> None:
    targets_N = np.array([0, 1, 1, 0])
    assert Metric().values(table(targets_N, np.ones(4, int), 2), np.ones((1, 4)))["matthews"].tolist() == [0.0]
    assert Metric().values(table(targets_N, 1 - targets_N, 2), np.ones((1, 4)))["matthews"] == pytest.approx(-1)
