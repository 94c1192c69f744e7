"""Recall at one and ten, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from tests.metrics.tables import table

from oreline.metrics.recall import Metric


def test_several_relevant_texts_are_shares_of_them():
    found = Metric().values(table([[1], [2], [1, 11], [12]]), np.array([[1.0, 1, 1, 1], [0, 0, 2, 0]]))
    np.testing.assert_allclose(found["recall_at_1"], [(1 + 0 + 0.5 + 0) / 4, 0.5])
    np.testing.assert_allclose(found["recall_at_10"], [(1 + 1 + 0.5 + 0) / 4, 0.5])


def test_no_row_is_no_figure():
    assert np.isnan(Metric().values(table([]), np.ones((1, 0)))["recall_at_1"]).all()
    with pytest.raises(KeyError):
        Metric().values(table([[1]]), np.ones((1, 1)))["recall_at_5"]
