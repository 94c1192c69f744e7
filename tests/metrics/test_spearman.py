"""Rank correlation against SciPy on repeated rows, ties included, and cases known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr
from tests.metrics.tables import numbers

from oreline.metrics.spearman import Metric, centred_ranks


@settings(deadline=None, max_examples=100)
@given(st.integers(2, 20), st.integers(2, 30), st.integers(0, 10_000))
def test_equals_scipy_on_repeated_rows(num_rows: int, num_values: int, seed: int):
    source = np.random.default_rng(seed)
    targets_N, predicted_N = source.integers(num_values, size=(2, num_rows)) / 7
    weights_RN = source.integers(0, 4, size=(3, num_rows))
    found_R = Metric().values(numbers(targets_N, predicted_N), weights_RN.astype(float))["spearman"]
    for found, weights_N in zip(found_R, weights_RN, strict=True):
        true, predicted = np.repeat(targets_N, weights_N), np.repeat(predicted_N, weights_N)
        if len(set(true)) < 2 or len(set(predicted)) < 2:
            assert np.isnan(found)  # scipy says the same, with a warning
        else:
            assert found == pytest.approx(spearmanr(true, predicted).statistic, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 20), st.integers(1, 9), st.integers(0, 10_000))
def test_ranks_equal_those_of_repeated_rows(num_rows: int, num_values: int, seed: int):
    source = np.random.default_rng(seed)
    values_N = source.integers(num_values, size=num_rows).astype(float)
    weights_N = source.integers(0, 4, size=num_rows)
    found_N = centred_ranks(values_N, weights_N[None].astype(float))[0]
    ranks = rankdata(np.repeat(values_N, weights_N))
    np.testing.assert_array_equal(np.repeat(found_N, weights_N), ranks - (len(ranks) + 1) / 2)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 20), st.integers(0, 10_000))
def test_only_the_order_matters(num_rows: int, seed: int):
    source = np.random.default_rng(seed)
    targets_N, predicted_N = source.normal(size=(2, num_rows))
    ones = np.ones((1, num_rows))
    plain, bent, turned = (
        Metric().values(numbers(targets_N, each_N), ones)["spearman"][0]
        for each_N in (predicted_N, np.exp(predicted_N), -predicted_N)
    )
    assert plain == bent == -turned


def test_known_by_hand():
    # 1 - 6 sum d^2 / (n (n^2 - 1)) with differences of rank 0, 1, 1.
    assert Metric().values(numbers([0, 1, 9], [0, 8, 1]), np.ones((1, 3)))["spearman"][0] == pytest.approx(0.5)
    # The first row twice: ranks less their mean are -1 -1 0.5 1.5 and -1 -1 1.5 0.5.
    doubled = Metric().values(numbers([0, 1, 9], [0, 8, 1]), np.array([[2.0, 1.0, 1.0]]))["spearman"][0]
    assert doubled == pytest.approx(3.5 / 4.5)


def test_equal_numbers_have_no_order():
    weights_RN = np.array([[3.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    for table in (numbers([0.1, 0.1, 0.7], [1, 2, 3]), numbers([1, 2, 3], [0.1, 0.1, 0.7])):
        assert np.isnan(Metric().values(table, weights_RN)["spearman"]).all()
