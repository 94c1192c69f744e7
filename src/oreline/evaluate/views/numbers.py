"""Answers that are a number: errors by size of the target, predicted beside true, largest errors.

Shape suffixes: N rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline.evaluate.estimates import estimates
from oreline.evaluate.shown import flagged, worst_rows
from oreline.evaluate.table import Table
from oreline.report.report import Chart
from oreline.report.report import Table as ReportTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUM_BINS = 10
"""Points of the picture: tenths of the rows, by predicted number."""


class View:
    """One number for each row."""

    def tables(self, table: Table, split: str, seed: int) -> list[ReportTable]:
        """Return errors by quarter of the targets, and the rows with the largest ones."""
        true_N, predicted_N = _values(table)
        error_N = np.abs(true_N - predicted_N)
        worst = worst_rows(
            table,
            np.argsort(-error_N, kind="stable"),
            ("error", [round(float(value), 4) for value in error_N]),
            f"Largest errors, split {split!r}",
            f"of {table.num_rows:,} rows; some of these may be wrong targets",
        )
        return [_by_band(table, split, seed), worst]

    def charts(self, table: Table, split: str) -> list[Chart]:
        """Return the mean true number against the mean predicted one, in tenths of the rows."""
        true_N, predicted_N = _values(table)
        parts = np.array_split(np.argsort(predicted_N, kind="stable"), min(NUM_BINS, table.num_rows))
        means = {
            name: [float(values_N[part].mean()) for part in parts]
            for name, values_N in (("t", true_N), ("p", predicted_N))
        }
        lines = {"model": means["t"], "no error": means["p"]}
        data = {"x": dict.fromkeys(lines, means["p"]), "y": lines, "x_label": "mean predicted", "y_label": "mean true"}
        note = f"n = {table.num_rows:,} rows in {len(parts)} parts of equal size, by predicted number"
        return [Chart(f"True beside predicted, split {split!r}", "lines", data, note=note)]

    def warnings(self, table: Table, split: str) -> Iterator[str]:
        """Say when nothing can be explained: all targets are equal."""
        if table.num_rows and np.ptp(table.targets) == 0:
            yield f"all {table.num_rows:,} rows of the split {split!r} have the same target: R² is undefined"


def _values(table: Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    task: Any = table.task  # a task whose view this is can say its numbers in their own unit
    return task.values(table.targets), task.values(table.predicted)


def _by_band(table: Table, split: str, seed: int) -> ReportTable:
    bands_N = np.asarray(table.task.outcomes(table.targets), dtype=object)
    rows, counts = [], []
    for band in dict.fromkeys(bands_N[np.argsort(table.targets, kind="stable")]):
        part = table.take(np.flatnonzero(bands_N == band))
        true_N, predicted_N = _values(part)
        bias = round(float((predicted_N - true_N).mean()), 4)
        found = estimates(part, ["mae"], seed=seed)
        rows.append([band, part.num_rows, found.get("mae"), found.get("rmse"), bias])
        counts.append(part.num_rows)
    columns, rows, flag = flagged(("true number", "rows", "mae", "rmse", "bias"), rows, counts)
    note = f"95 % intervals; quarters of the training targets; bias: mean of predicted minus true{flag}"
    return ReportTable(f"By size of the target, split {split!r}", columns, rows, note=note)
