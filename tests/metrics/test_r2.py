"""R2 against scikit-learn on repeated rows, and cases known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score
from tests.metrics.tables import numbers

from oreline.metrics.r2 import Metric


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 20), st.integers(0, 10_000))
def test_equals_scikit_learn_on_repeated_rows(num_rows: int, seed: int):
    source = np.random.default_rng(seed)
    targets_N = source.normal(size=num_rows)
    predicted_N = targets_N + source.normal(size=num_rows)
    weights_RN = source.integers(0, 4, size=(3, num_rows))
    weights_RN[:, :2] += 1
    found_R = Metric().values(numbers(targets_N, predicted_N), weights_RN.astype(float))["r2"]
    expected = [r2_score(np.repeat(targets_N, w), np.repeat(predicted_N, w)) for w in weights_RN]
    np.testing.assert_allclose(found_R, expected)


def test_known_by_hand():
    # Mean 2; squares about it 4 + 0 + 4; residuals 1 + 0 + 1.
    table = numbers([0, 2, 4], [1, 2, 3])
    assert Metric().values(table, np.ones((1, 3)))["r2"][0] == pytest.approx(1 - 2 / 8)
    # The first row twice: mean 1.5; squares 2 * 2.25 + 0.25 + 6.25; residuals 2 + 0 + 1.
    assert Metric().values(table, np.array([[2.0, 1.0, 1.0]]))["r2"][0] == pytest.approx(1 - 3 / 11)


def test_exact_predictions_give_one_and_the_mean_gives_nothing():
    targets_N = np.array([0.1, 0.5, 0.9, 2.5])
    assert Metric().values(numbers(targets_N, targets_N), np.ones((1, 4)))["r2"][0] == 1.0
    always_mean = numbers(targets_N, np.full(4, targets_N.mean()))
    assert Metric().values(always_mean, np.ones((1, 4)))["r2"][0] == pytest.approx(0.0)


@settings(deadline=None, max_examples=60)
@given(st.floats(-1e6, 1e6), st.integers(1, 9))
def test_equal_targets_have_nothing_to_explain(target: float, num_rows: int):
    # The last row differs, and is drawn by no resample but the last.
    table = numbers([target] * num_rows + [target + 1], np.zeros(num_rows + 1))
    weights_RN = np.array([[*range(1, num_rows + 1), 0], [0] * (num_rows + 1), [1] * (num_rows + 1)], float)
    assert np.isnan(Metric().values(table, weights_RN)["r2"]).tolist() == [True, True, False]
