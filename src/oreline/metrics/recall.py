"""Recall among the first texts.

Shape suffixes: W relevant texts of one query.
"""

from __future__ import annotations

from typing import ClassVar

from oreline.metrics.retrieval import Figures, Retrieval, recall


class Metric(Retrieval):
    """Share of a query's relevant texts that stand first (`recall_at_1`) or among the first ten (`recall_at_10`).

    The mean over queries. A query with several relevant texts cannot have all of them in the first place.
    """

    figures: ClassVar[Figures] = {
        "recall_at_1": lambda ranks_W: recall(ranks_W, 1),
        "recall_at_10": lambda ranks_W: recall(ranks_W, 10),
    }
