"""Accuracy against scikit-learn."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from oreline.metrics.accuracy import Metric


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 40), st.integers(2, 5), st.integers(0, 10_000))
def test_equals_scikit_learn_with_weights(random_table, num_rows: int, num_classes: int, seed: int):
    table = random_table(num_rows, num_classes, seed)
    weights_RN = np.random.default_rng(seed).integers(1, 5, size=(2, num_rows)).astype(float)
    found_R = Metric().values(table, weights_RN)["accuracy"]
    expected = [accuracy_score(table.targets, table.predicted, sample_weight=weights) for weights in weights_RN]
    np.testing.assert_allclose(found_R, expected)
