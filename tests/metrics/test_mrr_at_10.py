"""Mean reciprocal rank, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from tests.metrics.tables import table

from oreline.metrics.mrr_at_10 import Metric


def test_the_best_relevant_text_counts_down_to_the_tenth():
    [value] = Metric().values(table([[4, 2], [10], [11], [1]]), np.ones((1, 4)))["mrr_at_10"]
    assert value == pytest.approx((1 / 2 + 1 / 10 + 0 + 1) / 4)
