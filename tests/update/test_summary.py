"""The report of an update: its figures are those of the tables that were judged."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.evaluate.gate import gate
from oreline.evaluate.table import Table
from oreline.tasks.text_classification import Task
from oreline.update.rows import rows_table
from oreline.update.summary import Judged, update_report

COUNTS = {
    "fresh_rows": 100, "fresh_train_rows": 50, "fresh_dev_rows": 10, "held_out_rows": 30, "fresh_no_label_rows": 1,
    "fresh_duplicate_rows": 2, "fresh_in_gate_rows": 3, "fresh_trained_before_rows": 4, "old_train_rows": 50,
    "old_dev_rows": 20, "train_rows": 100, "dev_rows": 30,
}  # fmt: skip


def table(targets: list[int], predicted: list[int]) -> Table:
    """Answers of a sure model."""
    scores_NK = np.where(np.eye(3)[predicted] == 1, 0.9, 0.05)
    names = [f"r:{number}" for number in range(len(targets))]
    return Table(Task(labels=["a", "b", "c"]), np.asarray(targets), scores_NK, names, names)


@pytest.fixture
def judged() -> Judged:
    """A new model that is better on fresh rows and the same on golden ones."""
    targets = [0, 1] * 100
    golden = (table(targets, targets), table(targets, targets))
    fresh = (table(targets, [0] * 200), table(targets, targets))
    return Judged(golden, fresh, gate(*golden, fresh=fresh))


def test_figures(judged: Judged) -> None:
    report = update_report(
        judged,
        subject={"champion": "x"},
        facts={"promoted": True},
        counts=COUNTS,
        aliases=({"champion": "x"}, {"champion": "y", "previous": "x"}),
        warnings=["mind this"],
        seed=0,
    )
    assert {name: round(estimate.value, 3) for name, estimate in report.metrics.items()} == {
        "golden_accuracy_before": 1.0,
        "golden_accuracy_after": 1.0,
        "golden_accuracy_change": 0.0,
        "fresh_accuracy_before": 0.5,
        "fresh_accuracy_after": 1.0,
        "fresh_accuracy_change": 0.5,
    }
    assert all(estimate.n == 200 for estimate in report.metrics.values())
    assert report.facts["decision"] == "passed"
    assert report.facts["verdict"] == judged.verdict.sentence
    assert report.warnings == ["mind this"]
    tables = {entry.title: entry for entry in report.tables}
    assert tables["Per class on the fresh rows held out"].rows == [
        ("a", 100, 1.0, 1.0, 0, 0),
        ("b", 100, 0.0, 1.0, 100, 0),
    ]
    assert tables["Aliases"].rows == [("champion", "x", "y"), ("previous", "", "x")]
    assert "Update: passed" in str(report)


def test_rows_add_up() -> None:
    rows = rows_table(COUNTS).rows
    assert sum(number for _, number in rows[1:8]) == COUNTS["fresh_rows"]
