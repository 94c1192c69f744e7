"""Errors of numbers against scikit-learn on repeated rows, and a case worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_squared_error
from tests.metrics.tables import numbers

from oreline.metrics.mae import Metric
from oreline.tasks.regression import Task

TASK = Task(mean=50, spread=4)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 20), st.integers(0, 10_000))
def test_equal_scikit_learn_on_repeated_rows(num_rows: int, seed: int):
    source = np.random.default_rng(seed)
    targets_N, predicted_N = source.normal(size=(2, num_rows))
    weights_RN = source.integers(0, 4, size=(3, num_rows))
    weights_RN[:, 0] += 1
    found = Metric().values(numbers(targets_N, predicted_N), weights_RN.astype(float))
    for resample, weights_N in enumerate(weights_RN):
        true, predicted = (np.repeat(TASK.values(each_N), weights_N) for each_N in (targets_N, predicted_N))
        assert found["mae"][resample] == pytest.approx(mean_absolute_error(true, predicted))
        assert found["rmse"][resample] == pytest.approx(mean_squared_error(true, predicted) ** 0.5)
    assert (found["mae"] <= found["rmse"] + 1e-12).all()


def test_known_by_hand_in_the_unit_of_the_target():
    # Errors of 3/4 and 1 spread are 3 and 4.
    table = numbers([0.0, 1.0], [0.75, 0.0])
    found = Metric().values(table, np.array([[1.0, 1.0], [0.0, 2.0], [0.0, 0.0]]))
    np.testing.assert_allclose(found["mae"], [3.5, 4.0, np.nan])
    np.testing.assert_allclose(found["rmse"], [12.5**0.5, 4.0, np.nan])
