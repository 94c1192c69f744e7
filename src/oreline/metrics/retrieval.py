"""What the retrieval metrics share: where the texts that are sought stand among all texts.

A row of a table is a query. Its targets are the texts that are relevant to it, its scores the rank of each of them by
each of K sizes of the vectors, the whole ones first. Figures are of the first size.

Shape suffixes: Q queries, C texts, D width, W relevant texts of one query, K sizes, R resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

_AT_ONCE = 8_000_000
"""Cosines in memory at a time: 32 MB."""


Figures = dict[str, Callable[["NDArray[Any]"], float]]
"""By name, a figure of one query's ranks, (W,)."""


class Retrieval:
    """A mean over queries of a figure between 0 and 1; a metric adds `figures`."""

    higher_is_better: ClassVar[bool] = True
    view: ClassVar[str] = "retrieval"
    interval: ClassVar[str] = "share"
    figures: ClassVar[Figures]
    """By name, what each makes of one query's ranks."""

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return the weighted mean over the queries that have a relevant text."""
        ranks = [ranks_WK[:, 0] for ranks_WK in table.scores]
        asked = np.asarray([len(ranks_W) > 0 for ranks_W in ranks], dtype=bool)
        weights_RQ = weights_RN[:, asked]
        return {
            name: ratio(
                weights_RQ @ np.asarray([figure(ranks_W) for ranks_W in ranks if len(ranks_W)], dtype=np.float64),
                weights_RQ.sum(axis=1),
            )
            for name, figure in self.figures.items()
        }

    def num_rows(self, table: ScoredRows) -> dict[str, int]:
        """Return the queries behind each figure."""
        asked = sum(len(ranks_WK) > 0 for ranks_WK in table.scores)
        return dict.fromkeys(self.figures, asked)


def recall(ranks_W: NDArray[Any], most: int) -> float:
    """Return the share of the relevant texts that stand among the first `most`.

    >>> recall(np.array([1, 7, 30]), 10)
    0.6666666666666666
    """
    return float((ranks_W <= most).mean())


def reciprocal_rank(ranks_W: NDArray[Any], most: int) -> float:
    """Return 1 over the best rank, 0 beyond `most`.

    >>> reciprocal_rank(np.array([4, 2]), 10), reciprocal_rank(np.array([11]), 10)
    (0.5, 0.0)
    """
    best = int(ranks_W.min())
    return 1.0 / best if best <= most else 0.0


def ndcg(ranks_W: NDArray[Any], most: int) -> float:
    """Return the discounted gain of the first `most`, Σ 1 / log2(rank + 1), over the largest that is possible.

    Source: Järvelin & Kekäläinen, Cumulated Gain-Based Evaluation of IR Techniques, ACM TOIS 20, 2002, for texts that
    are relevant or not.

    >>> round(ndcg(np.array([1, 3]), 10), 4)  # (1 + 1/2) / (1 + 1/log2(3))
    0.9197
    """
    gained = (1.0 / np.log2(ranks_W[ranks_W <= most] + 1.0)).sum()
    return float(gained / (1.0 / np.log2(np.arange(1, min(len(ranks_W), most) + 1) + 1.0)).sum())


def average_precision(ranks_W: NDArray[Any]) -> float:
    """Return the mean, over the relevant texts, of the share of relevant texts down to each of them.

    >>> average_precision(np.array([3, 1]))  # (1/1 + 2/3) / 2
    0.8333333333333333
    """
    return float((np.arange(1, len(ranks_W) + 1) / np.sort(ranks_W)).mean())


def unit(vectors_ND: NDArray[np.floating], size: int | None = None) -> NDArray[np.float32]:
    """Return the first `size` numbers of each vector, scaled to length 1; a vector of zeros stays.

    >>> unit(np.array([[3.0, 4.0, 12.0]]), 2).round(3).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """
    cut = np.asarray(vectors_ND[:, :size], dtype=np.float32)
    lengths = np.linalg.norm(cut, axis=1, keepdims=True)
    return np.asarray(cut / np.maximum(lengths, 1e-12), dtype=np.float32)


def rank_relevant(
    query_QD: NDArray[np.floating],
    text_CD: NDArray[np.floating],
    relevant: Sequence[NDArray[np.int64]],
    sizes: Sequence[int | None] = (None,),
) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """Rank all texts for each query by cosine, and return where the relevant ones stand, and which stands first.

    Of texts that are equally near, the earlier one stands first.

    Args:
        query_QD: vectors of the queries.
        text_CD: vectors of the texts.
        relevant: for each query the numbers of its relevant texts.
        sizes: how many numbers of each vector count, None for all of them.

    Returns:
        For each query ranks from 1, (W, K); and the number of the first text by the first size, (Q,).
    """
    ranks = [np.empty((len(row_W), len(sizes)), dtype=np.int64) for row_W in relevant]
    first_Q = np.zeros(len(relevant), dtype=np.int64)
    for k, size in enumerate(sizes):
        texts = unit(text_CD, size)
        queries = unit(query_QD, size)
        rows = max(_AT_ONCE // max(len(texts), 1), 1)
        for start in range(0, len(queries), rows):
            cosine_BC = queries[start : start + rows] @ texts.T
            if k == 0 and len(texts):
                first_Q[start : start + rows] = cosine_BC.argmax(axis=1)
            for offset, cosine_C in enumerate(cosine_BC):
                for place, text in enumerate(relevant[start + offset]):
                    above = int((cosine_C > cosine_C[text]).sum()) + int((cosine_C[:text] == cosine_C[text]).sum())
                    ranks[start + offset][place, k] = above + 1
    return ranks, first_Q
