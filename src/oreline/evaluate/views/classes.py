"""Answers that are one of K classes: per class, confusions, calibration, confident mistakes.

Shape suffixes: N rows, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from oreline.evaluate.estimates import estimates, wilson
from oreline.evaluate.rejection import places, trade
from oreline.evaluate.shown import flagged, worst_rows
from oreline.evaluate.table import Table
from oreline.metrics.ece import reliability
from oreline.report.report import Chart
from oreline.report.report import Table as ReportTable
from oreline.types import Estimate

MAX_MATRIX_CLASSES = 150
"""Classes in the picture; beyond this its cells cannot be told apart, and those with the most mistakes are drawn."""
MAX_CONFUSIONS = 10


class View:
    """One of K classes for each row."""

    def tables(self, table: Table, split: str, seed: int) -> list[ReportTable]:
        """Return figures per class, the most confident mistakes, the most frequent confusions."""
        outside = getattr(table.task, "outside", None)
        trades = [trade(table, outside, split)] if outside is not None else []
        return [*trades, _per_class(table, split, seed), _worst_errors(table, split), _confusions(table, split)]

    def charts(self, table: Table, split: str) -> list[Chart]:
        """Return the confusion matrix and the reliability diagram."""
        outside = getattr(table.task, "outside", None)
        rejected = [places(table, outside, split)] if outside is not None else []
        return [*rejected, _confusion_matrix(table, split), _reliability(table, split)]

    def warnings(self, table: Table, split: str) -> Iterator[str]:
        """Say which classes have no row."""
        counts_K = np.bincount(table.targets, minlength=len(table.labels))
        if absent := [label for label, count in zip(table.labels, counts_K) if not count]:
            shown = ", ".join(absent[:5]) + (", …" if len(absent) > 5 else "")
            yield f"no row of the split {split!r} has the label {shown}: nothing is measured there"


def _per_class(table: Table, split: str, seed: int) -> ReportTable:
    """One row for each class, the weakest first: of 150 classes, those are the ones to look at."""
    found = estimates(table, ["per_class"], seed=seed)
    counts_K = np.bincount(table.targets, minlength=len(table.labels))
    scores_K = [found.get(f"f1_{label}") for label in table.labels]
    order = sorted(range(len(scores_K)), key=lambda k: np.inf if (score := scores_K[k]) is None else score.value)
    columns, rows, flag = flagged(
        ("label", "precision", "recall", "F1"),
        [
            [
                table.labels[k],
                *(found.get(f"{name}_{table.labels[k]}") for name in ("precision", "recall")),
                scores_K[k],
            ]
            for k in order
        ],
        [int(counts_K[k]) for k in order],
    )
    return ReportTable(
        f"Per class, split {split!r}",
        columns,
        rows,
        note="95 % intervals; lowest F1 first; n: rows predicted as the class (precision), having it (recall), either "
        f"(F1); a dash where there are none{flag}",
    )


def _worst_errors(table: Table, split: str) -> ReportTable:
    wrong = np.flatnonzero(~table.right_N)
    confidence_N = table.scores[np.arange(table.num_rows), table.predicted]
    return worst_rows(
        table,
        wrong[np.argsort(-confidence_N[wrong], kind="stable")],
        ("confidence", [round(float(value), 4) for value in confidence_N]),
        f"Most confident mistakes, split {split!r}",
        f"{len(wrong):,} of {table.num_rows:,} rows are wrong; some of these may be wrong labels",
    )


def _confusions(table: Table, split: str) -> ReportTable:
    matrix_KK = confusion(table)
    rows_K = matrix_KK.sum(axis=1)
    np.fill_diagonal(matrix_KK, 0)
    order = np.argsort(-matrix_KK, axis=None, kind="stable")[:MAX_CONFUSIONS]
    pairs = [(int(place // len(table.labels)), int(place % len(table.labels))) for place in order]
    return ReportTable(
        f"Most frequent confusions, split {split!r}",
        ("true", "predicted", "rows", "share of the true class"),
        [
            [table.labels[t], table.labels[p], int(matrix_KK[t, p]), _share(int(matrix_KK[t, p]), int(rows_K[t]))]
            for t, p in pairs
            if matrix_KK[t, p]
        ],
        note="n: rows of the true class; 95 % intervals (Wilson)",
    )


def _share(count: int, n: int) -> Estimate:
    return Estimate(count / n, *wilson(count / n, n), n)


def confusion(table: Table) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the confusion matrix of shape (K, K): rows are true, columns predicted."""
    num_classes = len(table.labels)
    cells = np.bincount(table.targets * num_classes + table.predicted, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes)


def _confusion_matrix(table: Table, split: str) -> Chart:
    matrix_KK = confusion(table)
    shown, note = np.arange(len(table.labels)), f"n = {table.num_rows:,} rows"
    if len(shown) > MAX_MATRIX_CLASSES:
        mistakes_K = matrix_KK.sum(axis=0) + matrix_KK.sum(axis=1) - 2 * matrix_KK.diagonal()
        shown = np.sort(np.argsort(-mistakes_K, kind="stable")[:MAX_MATRIX_CLASSES])
        drawn = int(matrix_KK[np.ix_(shown, shown)].sum())
        note = (
            f"the {MAX_MATRIX_CLASSES} of {len(table.labels)} classes with the most mistakes: "
            f"{drawn:,} of the n = {table.num_rows:,} rows"
        )
    return Chart(
        f"Confusion matrix, split {split!r}",
        "matrix",
        {"labels": [table.labels[k] for k in shown], "values": matrix_KK[np.ix_(shown, shown)].tolist()},
        note=note,
    )


def _reliability(table: Table, split: str) -> Chart:
    return Chart(
        f"Reliability: confidence and accuracy, split {split!r}",
        "reliability",
        reliability(table),
        note=f"n = {table.num_rows:,} rows; on the diagonal, confidence equals the share of answers that are right; "
        "bins without rows are left out",
    )
