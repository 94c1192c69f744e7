"""Hard negatives: the texts that the encoder takes for a query's own, and that are not.

Shape suffixes: Q queries, C texts, D width, M negatives of one query.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_AT_ONCE = 8_000_000
"""Cosines in memory at a time: 32 MB."""


def hard_negatives(
    query_QD: NDArray[np.float32],
    text_CD: NDArray[np.float32],
    relevant: Sequence[NDArray[np.int64]],
    *,
    most: int,
    margin: float,
) -> list[NDArray[np.int64]]:
    """Return for each query the nearest texts that are not relevant to it, the nearest first, at most `most`.

    A text that is nearly as near as a relevant one, with a cosine above (1 − margin) of the lowest relevant one's, is
    likely to be relevant too, though nobody said so: it is left out.

    Source: Moreira et al., NV-Retriever, https://arxiv.org/abs/2407.15831 (TopK-PercPos).

    Args:
        query_QD: vectors of length 1.
        text_CD: vectors of length 1.
        relevant: for each query the numbers of the texts that are never its negatives, its own one first.
        most: M.
        margin: share of the relevant text's cosine, from 0 up to 1.

    >>> texts = np.array([[1.0, 0.0], [0.99, 0.14], [0.8, 0.6], [0.0, 1.0]], np.float32)
    >>> [row.tolist() for row in hard_negatives(texts[:1], texts, [np.array([0])], most=2, margin=0.05)]
    [[2, 3]]
    """
    found = []
    rows = max(_AT_ONCE // max(len(text_CD), 1), 1)
    for start in range(0, len(query_QD), rows):
        cosine_BC = query_QD[start : start + rows] @ text_CD.T
        for cosine_C, known_W in zip(cosine_BC, relevant[start : start + rows]):
            lowest = float(cosine_C[known_W].min())
            cosine_C[known_W] = -np.inf
            cosine_C[cosine_C > lowest - margin * abs(lowest)] = -np.inf
            count = min(most, len(cosine_C))
            near = np.argpartition(-cosine_C, count - 1)[:count]
            near = near[np.argsort(-cosine_C[near], kind="stable")]
            found.append(near[np.isfinite(cosine_C[near])].astype(np.int64))
    return found
