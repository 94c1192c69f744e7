"""What a report shows of several labels."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from oreline.evaluate.table import Table
from oreline.evaluate.views.labels import View
from oreline.tasks.multilabel import Task


@pytest.fixture
def table() -> Table:
    source = np.random.default_rng(0)
    true_NK = source.integers(0, 2, size=(60, 3)).astype(np.float32)
    true_NK[:, 2] = 0
    scores_NK = np.clip(0.3 * source.random((60, 3)) + 0.5 * true_NK, 0, 1)
    scores_NK[:10] = 1 - scores_NK[:10]
    scores_NK[:, 2] = 0
    task = Task(labels=["a", "b", "never"], thresholds=[0.5, 0.4, 0.5])
    names = [f"f:{row}" for row in range(60)]
    return Table(task, true_NK, scores_NK, names, names)


def test_each_label_has_its_figures_and_threshold_the_weakest_first(table: Table):
    per_label, _ = View().tables(table, "test", 0)
    theirs = precision_recall_fscore_support(table.targets, table.predicted, zero_division=0.0)
    told = [row[3] for row in per_label.rows if row[3] is not None]
    assert told == sorted(told)
    assert per_label.rows[-1][:4] == ["never", None, None, None]
    for name, precision, recall, f1, threshold, *_ in per_label.rows:
        k = table.labels.index(name)
        if f1 is not None:
            assert f1 == pytest.approx(theirs[2][k], abs=1e-4)
        assert threshold == [0.5, 0.4, 0.5][k]
        if recall is not None:
            assert (precision.value, recall.value) == pytest.approx((theirs[0][k], theirs[1][k]))
            assert recall.n == table.targets[:, k].sum()


def test_rows_with_the_least_in_common_come_first(table: Table):
    _, worst = View().tables(table, "test", 0)
    assert [row[4] for row in worst.rows] == sorted(row[4] for row in worst.rows)
    assert worst.rows[0][4] == round(float(table.credit_N.min()), 4)


def test_the_picture_counts_rows_and_an_absent_label_is_warned_of(table: Table):
    [chart] = View().charts(table, "test")
    assert chart.data["series"]["true"] == table.targets.sum(axis=0).tolist()
    assert chart.data["series"]["predicted"] == table.predicted.sum(axis=0).tolist()
    assert list(View().warnings(table, "test")) == [
        "no row of the split 'test' has the label never: nothing is measured there"
    ]
