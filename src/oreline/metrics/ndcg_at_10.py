"""Normalised discounted cumulative gain.

Shape suffixes: W relevant texts of one query.
"""

from __future__ import annotations

from typing import ClassVar

from oreline.metrics.retrieval import Figures, Retrieval, ndcg


class Metric(Retrieval):
    """How near the top of the first ten texts the relevant ones stand, from 0 to 1; the mean over queries.

    Σ 1 / log2(rank + 1) over the relevant texts among the first ten, over the largest sum that is possible.

    Source: Järvelin & Kekäläinen, Cumulated Gain-Based Evaluation of IR Techniques, ACM TOIS 20, 2002.
    """

    figures: ClassVar[Figures] = {"ndcg_at_10": lambda ranks_W: ndcg(ranks_W, 10)}
