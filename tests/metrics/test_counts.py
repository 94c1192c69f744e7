"""Weighted counts against loops over rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.metrics.counts import class_counts, group_sums


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 30), st.integers(2, 5), st.integers(0, 10_000))
def test_class_counts_equal_counting_row_by_row(random_table, num_rows: int, num_classes: int, seed: int):
    table = random_table(num_rows, num_classes, seed)
    weights_RN = np.random.default_rng(seed).integers(0, 4, size=(3, num_rows)).astype(float)
    expected = np.zeros((3, 3, num_classes))
    for resample in range(3):
        for row in range(num_rows):
            true, predicted = table.targets[row], table.predicted[row]
            expected[0, resample, true] += weights_RN[resample, row]
            expected[1, resample, predicted] += weights_RN[resample, row]
            expected[2, resample, true] += weights_RN[resample, row] * (true == predicted)
    np.testing.assert_array_equal(np.stack(class_counts(table, weights_RN)), expected)


def test_no_rows_give_zeros():
    assert group_sums(np.ones((2, 0)), np.zeros(0, dtype=np.int64), 3).tolist() == [[0.0] * 3] * 2
