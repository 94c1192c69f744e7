"""Subset accuracy against scikit-learn on repeated rows, and a case worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score
from tests.metrics.tables import marked

from oreline.metrics.subset_accuracy import Metric


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 20), st.integers(2, 4), st.integers(0, 10_000))
def test_equals_scikit_learn_on_repeated_rows(num_rows: int, num_labels: int, seed: int):
    source = np.random.default_rng(seed)
    true_NK = source.integers(2, size=(num_rows, num_labels))
    given_NK = np.where(source.random((num_rows, num_labels)) < 0.2, 1 - true_NK, true_NK)
    weights_RN = source.integers(0, 4, size=(3, num_rows))
    weights_RN[:, 0] += 1
    found_R = Metric().values(marked(true_NK, given_NK), weights_RN.astype(float))["subset_accuracy"]
    expected = [
        accuracy_score(np.repeat(true_NK, weights_N, axis=0), np.repeat(given_NK, weights_N, axis=0))
        for weights_N in weights_RN
    ]
    np.testing.assert_allclose(found_R, expected)


def test_known_by_hand():
    # Right; one label too many; one too few; rightly none.
    table = marked(np.array([[1, 0], [1, 0], [1, 1], [0, 0]]), np.array([[1, 0], [1, 1], [1, 0], [0, 0]]))
    assert Metric().values(table, np.ones((1, 4)))["subset_accuracy"][0] == pytest.approx(2 / 4)
    assert Metric().values(table, np.array([[3.0, 1.0, 0.0, 0.0]]))["subset_accuracy"][0] == pytest.approx(3 / 4)
