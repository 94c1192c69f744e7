"""Per-class figures against scikit-learn, and what is left undefined."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from oreline.evaluate.table import Table
from oreline.metrics.per_class import Metric
from oreline.tasks.text_classification import Task


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(2, 6), st.integers(0, 10_000))
def test_equals_scikit_learn(random_table, num_rows: int, num_classes: int, seed: int):
    table = random_table(num_rows, num_classes, seed)
    found = Metric().values(table, np.ones((1, num_rows)))
    expected = precision_recall_fscore_support(
        table.targets, table.predicted, labels=range(num_classes), average=None, zero_division=np.nan
    )
    for name, values_K in zip(("precision", "recall", "f1"), expected[:3], strict=True):
        mine_K = np.array([found[f"{name}_{label}"][0] for label in table.labels])
        np.testing.assert_allclose(mine_K, values_K)
    rows = Metric().num_rows(table)
    assert [rows[f"recall_{label}"] for label in table.labels] == expected[3].tolist()


def test_rows_behind_each_figure_by_hand():
    table = Table(
        Task(labels=["a", "b", "c"]), np.array([0, 0, 1]), np.eye(3)[[0, 1, 1]], ["1", "2", "3"], ["", "", ""]
    )
    rows = Metric().num_rows(table)
    assert (rows["precision_a"], rows["recall_a"], rows["f1_a"]) == (1, 2, 2)
    assert (rows["precision_b"], rows["recall_b"], rows["f1_b"]) == (2, 1, 2)
    assert (rows["precision_c"], rows["recall_c"], rows["f1_c"]) == (0, 0, 0)
    values = Metric().values(table, np.ones((1, 3)))
    assert np.isnan([values["precision_c"][0], values["recall_c"][0], values["f1_c"][0]]).all()
