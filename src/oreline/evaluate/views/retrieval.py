"""Answers that are found texts: figures by size of the vectors, ranks, the queries that find the least.

Shape suffixes: N queries, W relevant texts of one query, K sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from oreline.evaluate.estimates import estimates, wilson
from oreline.evaluate.shown import worst_rows
from oreline.evaluate.table import Table
from oreline.report.report import Chart
from oreline.report.report import Table as ReportTable
from oreline.runtime.windows import ragged
from oreline.types import Estimate

_RANKS = (1, 2, 3, 5, 10, 20, 50, 100)
"""Ranks down to which the picture counts."""
_FIGURES = ("ndcg_at_10", "recall_at_1", "recall_at_10", "mrr_at_10", "map")


class View:
    """Texts found for each query."""

    def tables(self, table: Table, split: str, seed: int) -> list[ReportTable]:
        """Return the figures at each size, and the queries whose texts stand furthest down."""
        missed = np.flatnonzero(~table.right_N)
        best_N = _best_ranks(table)
        order = missed[np.argsort(-best_N[missed], kind="stable")]
        note = (
            f"{len(missed):,} of {table.num_rows:,} queries do not find all of their texts first; "
            "predicted: where they stand, and what stands first, which may be right as well"
        )
        ndcg = [round(float(value), 4) for value in table.credit_N]
        worst = worst_rows(table, order, ("nDCG@10", ndcg), f"Queries that find the least, split {split!r}", note)
        by_size = [_by_size(table, split, seed)] if len(table.labels) > 1 else []
        return [*by_size, _by_rank(table, split), worst]

    def charts(self, table: Table, split: str) -> list[Chart]:
        """Return the share of queries that find a relevant text down to each rank, by size."""
        ranks = [float(rank) for rank in _RANKS]
        shares = {}
        for k, size in enumerate(table.labels):
            best_N = _best_ranks(table, k)
            name = "found" if len(table.labels) == 1 else f"{size} numbers"
            shares[name] = [float((best_N <= rank).mean()) for rank in _RANKS]
        data = {"x": dict.fromkeys(shares, ranks), "y": shares, "x_label": "rank", "y_label": "share of queries"}
        note = f"n = {table.num_rows:,} queries; the best of a query's relevant texts"
        return [Chart(f"Queries that find a relevant text down to a rank, split {split!r}", "lines", data, note=note)]

    def warnings(self, table: Table, split: str) -> Iterator[str]:
        """Say when there is too little to look through for the figures to mean much."""
        sought = {text for texts in table.targets for text in texts}
        # Those of rows that were trained on, and negatives, are looked through too: ranks tell of them.
        lowest = max((int(ranks_WK.max(initial=0)) for ranks_WK in table.scores), default=0)
        if (num_texts := max(len(sought), lowest)) < 100:
            yield (
                f"the split {split!r} has only about {num_texts} texts to look through: among more, every figure "
                "is lower"
            )


def _best_ranks(table: Table, size: int = 0) -> np.ndarray:
    return np.asarray([ranks_WK[:, size].min(initial=np.inf) for ranks_WK in table.scores])


def _by_rank(table: Table, split: str) -> ReportTable:
    best_N, n = _best_ranks(table), table.num_rows
    shares = [float((best_N <= rank).mean()) for rank in _RANKS]
    rows = [[rank, Estimate(share, *wilson(share, n), n)] for rank, share in zip(_RANKS, shares)]
    note = "95 % intervals (Wilson): how far down somebody has to read"
    title = f"Queries that find a relevant text, split {split!r}"
    return ReportTable(title, ("down to rank", "share"), rows, note=note)


def _by_size(table: Table, split: str, seed: int) -> ReportTable:
    rows = []
    for k, size in enumerate(table.labels):
        order = [k, *(other for other in range(len(table.labels)) if other != k)]
        judged = replace(table, scores=ragged([ranks_WK[:, order] for ranks_WK in table.scores]))
        found = estimates(judged, table.task.metrics, seed=seed)
        rows.append([size, *(found.get(name) for name in _FIGURES)])
    note = "95 % intervals over queries; vectors are cut to their first numbers and scaled to length 1"
    return ReportTable(f"By size of the vectors, split {split!r}", ("size", *_FIGURES), rows, note=note)
