"""Linear correlation against SciPy on repeated rows, and cases known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr
from tests.metrics.tables import numbers

from oreline.metrics.pearson import Metric


@settings(deadline=None, max_examples=60)
@given(st.integers(3, 20), st.integers(0, 10_000))
def test_equals_scipy_on_repeated_rows(num_rows: int, seed: int):
    source = np.random.default_rng(seed)
    targets_N = source.normal(size=num_rows)
    predicted_N = targets_N + source.normal(size=num_rows)
    weights_RN = source.integers(0, 4, size=(3, num_rows))
    weights_RN[:, :3] += 1
    found_R = Metric().values(numbers(targets_N, predicted_N), weights_RN.astype(float))["pearson"]
    expected = [pearsonr(np.repeat(targets_N, w), np.repeat(predicted_N, w)).statistic for w in weights_RN]
    np.testing.assert_allclose(found_R, expected, atol=1e-12)


def test_known_by_hand():
    # Deviations (-1, 0, 1) and (-1, 1, 0): 1 / sqrt(2 * 2).
    assert Metric().values(numbers([0, 1, 2], [0, 2, 1]), np.ones((1, 3)))["pearson"][0] == pytest.approx(0.5)


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 20), st.floats(0.01, 100), st.floats(-100, 100), st.integers(0, 10_000))
def test_any_rising_line_is_perfect_and_any_falling_one_the_opposite(
    num_rows: int, slope: float, start: float, seed: int
):
    targets_N, ones = np.random.default_rng(seed).normal(size=num_rows), np.ones((1, num_rows))
    found = [Metric().values(numbers(targets_N, s * targets_N + start), ones)["pearson"][0] for s in (slope, -slope)]
    assert found == pytest.approx([1.0, -1.0])
    assert max(map(abs, found)) <= 1.0


@settings(deadline=None, max_examples=60)
@given(st.floats(-1e6, 1e6), st.integers(1, 9))
def test_equal_predictions_correlate_with_nothing(value: float, num_rows: int):
    # The last row differs, and is drawn by no resample but the last.
    equal_N, different_N = [value] * num_rows + [value + 1], np.arange(num_rows + 1.0)
    weights_RN = np.array([[*range(1, num_rows + 1), 0], [0] * (num_rows + 1), [1] * (num_rows + 1)], float)
    for table in (numbers(different_N, equal_N), numbers(equal_N, different_N)):
        assert np.isnan(Metric().values(table, weights_RN)["pearson"]).tolist() == [True, True, False]
