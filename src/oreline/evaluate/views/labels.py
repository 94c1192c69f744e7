"""Answers that are any number of K labels: per label with its threshold, rows with the least in common.

Shape suffixes: N rows, K labels.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oreline.evaluate.estimates import wilson
from oreline.evaluate.shown import flagged, worst_rows
from oreline.evaluate.table import Table
from oreline.report.report import Chart
from oreline.report.report import Table as ReportTable
from oreline.types import Estimate


class View:
    """Any number of K labels for each row."""

    def tables(self, table: Table, split: str, seed: int) -> list[ReportTable]:
        """Return figures per label, and the rows whose answers are the most wrong."""
        wrong = np.flatnonzero(~table.right_N)
        credit = [round(float(value), 4) for value in table.credit_N]
        note = f"{len(wrong):,} of {table.num_rows:,} rows are not right; Jaccard: labels in both over labels in either"
        order = wrong[np.argsort(table.credit_N[wrong], kind="stable")]
        worst = worst_rows(table, order, ("Jaccard", credit), f"Rows with the least in common, split {split!r}", note)
        return [_per_label(table, split), worst]

    def charts(self, table: Table, split: str) -> list[Chart]:
        """Return how many rows have each label, in truth and by the model."""
        series = {"true": table.targets.sum(axis=0).tolist(), "predicted": table.predicted.sum(axis=0).tolist()}
        return [Chart(f"Rows of each label, split {split!r}", "bars", {"labels": list(table.labels), "series": series})]

    def warnings(self, table: Table, split: str) -> Iterator[str]:
        """Say which labels have no row."""
        if absent := [label for label, count in zip(table.labels, table.targets.sum(axis=0)) if not count]:
            shown = ", ".join(absent[:5]) + (", …" if len(absent) > 5 else "")
            yield f"no row of the split {split!r} has the label {shown}: nothing is measured there"


def _per_label(table: Table, split: str) -> ReportTable:
    """One row for each label, the weakest first. Precision and recall are shares of rows: Wilson's intervals."""
    true_K, given_K = table.targets.sum(axis=0).astype(int), table.predicted.sum(axis=0).astype(int)
    both_K = (table.targets * table.predicted).sum(axis=0).astype(int)
    seen_K = true_K + given_K
    f1_K = np.where(seen_K > 0, 2 * both_K / np.maximum(seen_K, 1), np.inf)  # of no row: shown last, as a dash
    thresholds = table.task.options.get("thresholds", [0.5] * len(table.labels))
    order = np.argsort(f1_K, kind="stable")
    columns, rows, flag = flagged(
        ("label", "precision", "recall", "F1", "threshold"),
        [
            [
                table.labels[k],
                _share(int(both_K[k]), int(given_K[k])),
                _share(int(both_K[k]), int(true_K[k])),
                round(float(f1_K[k]), 4) if seen_K[k] else None,
                round(float(thresholds[k]), 4),
            ]
            for k in order
        ],
        [int(true_K[k]) for k in order],
    )
    note = (
        "95 % intervals (Wilson); lowest F1 first; n: rows given the label (precision), having it (recall); "
        f"a dash where there are none{flag}"
    )
    return ReportTable(f"Per label, split {split!r}", columns, rows, note=note)


def _share(count: int, n: int) -> Estimate | None:
    return Estimate(count / n, *wilson(count / n, n), n) if n else None
