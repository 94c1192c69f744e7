"""Mean reciprocal rank.

Shape suffixes: W relevant texts of one query.
"""

from __future__ import annotations

from typing import ClassVar

from oreline.metrics.retrieval import Figures, Retrieval, reciprocal_rank


class Metric(Retrieval):
    """One over the rank of the best relevant text, 0 where it is not among the first ten; the mean over queries.

    Source: Voorhees, The TREC-8 Question Answering Track Report, 1999.
    """

    figures: ClassVar[Figures] = {"mrr_at_10": lambda ranks_W: reciprocal_rank(ranks_W, 10)}
