"""nDCG@10 against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import ndcg_score
from tests.metrics.tables import table

from oreline.metrics.ndcg_at_10 import Metric


def test_equals_scikit_learn():
    source = np.random.default_rng(0)
    for num_texts in (3, 12, 30):
        relevance, scores = source.integers(2, size=num_texts), source.permutation(num_texts).astype(float)
        relevance[0] = 1
        order = np.argsort(-scores)
        ranks = [int(np.flatnonzero(order == text)[0]) + 1 for text in np.flatnonzero(relevance)]
        [value] = Metric().values(table([ranks]), np.ones((1, 1)))["ndcg_at_10"]
        assert value == pytest.approx(ndcg_score([relevance], [scores], k=10))


def test_queries_without_a_relevant_text_do_not_count():
    [value] = Metric().values(table([[1], [], [3]]), np.ones((1, 3)))["ndcg_at_10"]
    assert value == pytest.approx((1 + 1 / 2) / 2)
    assert Metric().num_rows(table([[1], [], [3]])) == {"ndcg_at_10": 2}
