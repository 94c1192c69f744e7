"""In-scope accuracy, out-of-scope recall and AUROC, against counting by hand and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from oreline.evaluate.table import Table
from oreline.metrics.scope import Metric, auroc, margins
from oreline.tasks.text_classification import Task


def table_of(num_rows: int, seed: int) -> Table:
    source = np.random.default_rng(seed)
    scores_NK = source.dirichlet(np.ones(3), size=num_rows).round(1) + 1e-3
    task = Task(labels=["a", "b", "oos"], reject={"rejector": "energy", "options": {}})
    ids = [str(row) for row in range(num_rows)]
    return Table(task, source.integers(3, size=num_rows), scores_NK, ids, ids)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 60), st.integers(0, 10_000))
def test_counts_each_kind_of_row_by_itself(num_rows: int, seed: int):
    table = table_of(num_rows, seed)
    found = {name: values[0] for name, values in Metric().values(table, np.ones((1, num_rows))).items()}
    inside = [row for row in range(num_rows) if table.targets[row] != 2]
    outside = [row for row in range(num_rows) if table.targets[row] == 2]
    for name, rows in (("in_scope_accuracy", inside), ("out_of_scope_recall", outside)):
        right = [table.predicted[row] == table.targets[row] for row in rows]
        assert found[name] == pytest.approx(np.mean(right)) if rows else np.isnan(found[name])
        assert Metric().num_rows(table)[name] == len(rows)
    if inside and outside:
        theirs = roc_auc_score(table.targets == 2, margins(table.scores, 2))
        assert found["out_of_scope_auroc"] == pytest.approx(theirs)
    else:
        assert np.isnan(found["out_of_scope_auroc"])


def test_a_weighted_row_counts_as_often_as_it_was_drawn():
    source = np.random.default_rng(0)
    scores_N, outside_N = source.integers(6, size=30).astype(float), np.arange(30) % 3 == 0
    weights_RN = source.integers(0, 4, size=(5, 30)).astype(float)
    found_R = auroc(scores_N, weights_RN * ~outside_N, weights_RN * outside_N)
    for found, weights_N in zip(found_R, weights_RN, strict=True):
        assert found == pytest.approx(roc_auc_score(outside_N, scores_N, sample_weight=weights_N))


def test_a_classifier_that_rejects_nothing_has_no_such_figure():
    ids = ["1", "2"]
    table = Table(Task(labels=["a", "b"]), np.array([0, 1]), np.full((2, 2), 0.5), ids, ids)
    assert Metric().values(table, np.ones((1, 2))) == {}
    assert Metric().num_rows(table)["out_of_scope_recall"] == 0
