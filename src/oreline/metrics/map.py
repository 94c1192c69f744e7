"""Mean average precision.

Shape suffixes: W relevant texts of one query.
"""

from __future__ import annotations

from typing import ClassVar

from oreline.metrics.retrieval import Figures, Retrieval, average_precision


class Metric(Retrieval):
    """Precision down to each relevant text, averaged over a query's relevant texts, then over queries.

    All ranks count, not the first ten only.

    Source: Buckley & Voorhees, Evaluating Evaluation Measure Stability, SIGIR 2000.
    """

    figures: ClassVar[Figures] = {"map": average_precision}
