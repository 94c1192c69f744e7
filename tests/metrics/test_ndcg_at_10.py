"""nDCG@10 against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from oreline.evaluate.table import Table
from oreline.metrics.ndcg_at_10 import Metric
from oreline.runtime.windows import ragged
from oreline.tasks.embedding import Task


def table(ranks: list[list[int]]) -> Table:
    """Queries with the ranks of their relevant texts."""
    rows = [f"f:{row}" for row in range(len(ranks))]
    targets = ragged([("text",) * len(row) for row in ranks])
    scores = ragged([np.asarray(row, np.float64).reshape(-1, 1) for row in ranks])
    return Table(Task(), targets, scores, rows, rows)


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
