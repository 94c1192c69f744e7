"""Mean average precision against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from tests.metrics.tables import table

from oreline.metrics.map import Metric


def test_equals_scikit_learn():
    source = np.random.default_rng(1)
    rows, expected = [], []
    for num_texts in (2, 9, 40):
        relevance, scores = source.integers(2, size=num_texts), source.permutation(num_texts).astype(float)
        relevance[0] = 1
        order = np.argsort(-scores)
        rows.append([int(np.flatnonzero(order == text)[0]) + 1 for text in np.flatnonzero(relevance)])
        expected.append(average_precision_score(relevance, scores))
    [value] = Metric().values(table(rows), np.ones((1, 3)))["map"]
    assert value == pytest.approx(np.mean(expected))
