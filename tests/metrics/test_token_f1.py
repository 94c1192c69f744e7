"""Figures of single tags against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from oreline.evaluate.table import Table
from oreline.metrics.token_f1 import Metric
from oreline.runtime.windows import ragged
from oreline.tasks.token_classification import Task


@pytest.mark.parametrize("seed", range(4))
def test_equal_scikit_learn_on_all_words(seed: int) -> None:
    source = np.random.default_rng(seed)
    task = Task(labels=["NN", "VB", "JJ"])
    scores = ragged([source.random((length, 3)).astype(np.float32) for length in source.integers(0, 9, size=20)])
    targets = ragged([source.integers(3, size=len(row)) for row in scores])
    names = [f"f:{row}" for row in range(20)]
    table = Table(task, targets, scores, names, names)
    weights_RN = source.integers(0, 3, size=(2, 20))
    found = Metric().values(table, weights_RN.astype(float))
    for resample, weights_N in enumerate(weights_RN):
        true, given = (
            np.concatenate([np.tile(row, weight) for row, weight in zip(side, weights_N)])
            for side in (table.targets, table.predicted)
        )
        assert found["token_accuracy"][resample] == pytest.approx(accuracy_score(true, given))
        assert found["token_weighted_f1"][resample] == pytest.approx(f1_score(true, given, average="weighted"))
