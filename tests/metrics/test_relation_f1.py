"""F1 without the negative class, against scikit-learn's with the labels that count."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_recall_fscore_support

from oreline.evaluate.table import Table
from oreline.metrics.relation_f1 import Metric
from oreline.tasks.relation import Task


def table(negative: str | None) -> Table:
    source = np.random.default_rng(0)
    targets_N = source.integers(4, size=60)
    scores_NK = source.random((60, 4)) + 0.4 * np.eye(4)[targets_N]
    ids = [str(row) for row in range(60)]
    return Table(Task(labels=["none", "a", "b", "c"], negative=negative), targets_N, scores_NK, ids, ids)


@pytest.mark.parametrize(("negative", "counted"), [("none", [1, 2, 3]), (None, [0, 1, 2, 3])])
def test_as_scikit_learn_counts_the_labels(negative: str | None, counted: list[int]) -> None:
    rows = table(negative)
    values = Metric().values(rows, np.ones((1, 60)))
    given = {"labels": counted, "average": "micro"}
    precision, recall, f1, _ = precision_recall_fscore_support(rows.targets, rows.predicted, **given)
    assert values["relation_precision"] == pytest.approx([precision])
    assert values["relation_recall"] == pytest.approx([recall])
    assert values["relation_f1"] == pytest.approx([f1])
    macro = f1_score(rows.targets, rows.predicted, labels=counted, average="macro")
    assert values["relation_macro_f1"] == pytest.approx([macro])
    assert Metric().num_rows(rows)["relation_recall"] == np.isin(rows.targets, counted).sum()
