"""What a report shows of a classifier that rejects: the trade at other thresholds, and where both kinds of rows lie.

Shape suffixes: N rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oreline.evaluate.estimates import wilson
from oreline.evaluate.table import Table
from oreline.metrics.scope import margins
from oreline.report.report import Chart
from oreline.report.report import Table as ReportTable
from oreline.types import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

REJECTED = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Shares of in-scope rows that other thresholds would reject."""
_BINS, _EDGE = 40, 12.0


def trade(table: Table, outside: int, split: str) -> ReportTable:
    """Return in-scope accuracy and out-of-scope recall at the threshold that is set, and at others."""
    margin_N, outside_N = margins(table.scores, outside), table.targets == outside
    right_N = np.delete(np.arange(len(table.labels)), outside)[
        np.delete(table.scores, outside, axis=1).argmax(axis=1)
    ] == table.targets  # fmt: skip
    rejected_N = table.predicted == outside
    rows = [["as it is set", *_figures(rejected_N, right_N, outside_N)]]
    inside_N = np.sort(margin_N[~outside_N])
    for share in REJECTED if len(inside_N) else ():
        if share and share * len(inside_N) < 1:
            continue  # fewer than one row: the same as none
        place = len(inside_N) - 1 - int(share * len(inside_N))
        rows.append(
            [f"rejecting {share:.0%} of in-scope rows", *_figures(margin_N > inside_N[place], right_N, outside_N)]
        )
    return ReportTable(
        f"In scope and out of scope, split {split!r}",
        ("threshold", "in-scope rows rejected", "in-scope accuracy", "out-of-scope recall"),
        rows,
        note=f"rows that get the label {table.labels[outside]!r} are rejected; 95 % intervals (Wilson). The other "
        "thresholds are those of this split: choose by dev, not by test (train.reject: max_loss, keep)",
    )


def places(table: Table, outside: int, split: str) -> Chart:
    """Return how far outside the rows of both kinds lie."""
    margin_N, outside_N = np.clip(margins(table.scores, outside), -_EDGE, _EDGE), table.targets == outside
    edges = np.linspace(-_EDGE, _EDGE, _BINS + 1)
    kinds = {"in scope": ~outside_N, "out of scope": outside_N}
    series = {name: np.histogram(margin_N[rows], edges)[0].tolist() for name, rows in kinds.items() if rows.any()}
    return Chart(
        f"How far outside rows lie, split {split!r}",
        "histogram",
        {"edges": edges.tolist(), "series": series, "x_label": "log odds of being out of scope"},
        note=f"n = {int((~outside_N).sum()):,} rows in scope, {int(outside_N.sum()):,} out of scope; above 0 they are "
        f"rejected; beyond ±{_EDGE:.0f} they are counted in the last bin",
    )


def _figures(
    rejected_N: NDArray[np.bool_], right_N: NDArray[np.bool_], outside_N: NDArray[np.bool_]
) -> list[Estimate | None]:
    return [
        _share(rejected_N[~outside_N]),
        _share((right_N & ~rejected_N)[~outside_N]),
        _share(rejected_N[outside_N]),
    ]


def _share(hits: NDArray[np.bool_]) -> Any:
    n = len(hits)
    return Estimate(float(hits.mean()), *wilson(float(hits.mean()), n), n) if n else None
