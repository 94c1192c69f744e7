"""Precision, recall and F1 against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from oreline.metrics.f1 import Metric
from oreline.tasks.text_classification import Task


@pytest.mark.parametrize("average", ["macro", "weighted"])
@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(2, 6), st.integers(0, 10_000))
def test_equal_scikit_learn_with_weights(random_table, average: str, num_rows: int, num_classes: int, seed: int):
    table = random_table(num_rows, num_classes, seed)
    weights_RN = np.random.default_rng(seed).integers(1, 5, size=(2, num_rows)).astype(float)
    found = Metric().values(table, weights_RN)
    for resample, weights_N in enumerate(weights_RN):
        expected = precision_recall_fscore_support(
            table.targets, table.predicted, average=average, sample_weight=weights_N, zero_division=0
        )
        for name, value in zip(("precision", "recall", "f1"), expected, strict=False):
            assert found[f"{average}_{name}"][resample] == pytest.approx(value)


def test_a_class_that_never_occurs_is_no_part_of_the_mean(random_table):
    table = random_table(30, 2, 0)
    wider = type(table)(
        Task(labels=[*table.labels, "unused"]),
        table.targets,
        np.column_stack([table.scores, np.zeros(30)]),
        table.row_ids,
        table.texts,
    )
    ones = np.ones((1, 30))
    assert Metric().values(wider, ones) == Metric().values(table, ones)
