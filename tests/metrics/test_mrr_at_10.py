"""Mean reciprocal rank, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.evaluate.table import Table
from oreline.metrics.mrr_at_10 import Metric
from oreline.runtime.windows import ragged
from oreline.tasks.embedding import Task


def table(ranks: list[list[int]]) -> Table:
    """Queries with the ranks of their relevant texts."""
    rows = [f"f:{row}" for row in range(len(ranks))]
    targets = ragged([("text",) * len(row) for row in ranks])
    scores = ragged([np.asarray(row, np.float64).reshape(-1, 1) for row in ranks])
    return Table(Task(), targets, scores, rows, rows)


def test_the_best_relevant_text_counts_down_to_the_tenth():
    [value] = Metric().values(table([[4, 2], [10], [11], [1]]), np.ones((1, 4)))["mrr_at_10"]
    assert value == pytest.approx((1 / 2 + 1 / 10 + 0 + 1) / 4)
