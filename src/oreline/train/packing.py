"""Short texts share rows of a fixed length, so that little of a batch is padding.

Shape suffixes: N texts, T tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline.errors import UsageError
from oreline.tasks.written import Pieces
from oreline.types import Encoded

if TYPE_CHECKING:
    from numpy.typing import NDArray


def packed(head: Any, pieces: Pieces, max_tokens: int) -> tuple[Encoded, list[NDArray[np.int64]]]:
    """Return what is trained on in shared rows. Raises `UsageError` for a head that would let texts see one another."""
    if not getattr(head, "packs", False):
        raise UsageError("packing puts several dialogues into one row", allowed="the task chat")
    return joined(pieces.encoded, pieces.targets, max_tokens)


def joined(
    pieces: Encoded, targets: Sequence[NDArray[np.int64]], max_tokens: int
) -> tuple[Encoded, list[NDArray[np.int64]]]:
    """Put texts together into rows of at most `max_tokens`; `segments` number the texts of a row.

    First fit, the longest text first (Johnson, Near-optimal bin packing algorithms, 1973): at most 11/9 of the fewest
    rows there can be. The texts of a row stay together in every epoch.

    >>> ids = [np.arange(length, dtype=np.int32) for length in (3, 6, 4)]
    >>> rows, _ = joined(Encoded(ids, np.zeros(3, bool)), [row.astype(np.int64) for row in ids], 10)
    >>> [len(row) for row in rows.ids], rows.segments[0].tolist()
    ([10, 3], [0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
    """
    bins = first_fit([len(ids) for ids in pieces.ids], max_tokens)
    numbers = [np.repeat(np.arange(len(texts)), [len(pieces.ids[text]) for text in texts]) for texts in bins]
    together = Encoded(
        [np.concatenate([pieces.ids[text] for text in texts]) for texts in bins],
        np.asarray([bool(pieces.truncated_N[texts].any()) for texts in bins], dtype=bool),
        [row.astype(np.int32) for row in numbers],
    )
    return together, [np.concatenate([targets[text] for text in texts]) for texts in bins]


def first_fit(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Return the texts of each row: each text, longest first, goes into the first row that has room for it.

    A tree of the largest room below each node finds that row in logarithmic time.

    >>> first_fit([3, 6, 4], 10)
    [[1, 2], [0]]
    """
    size = 1 << max(len(lengths) - 1, 0).bit_length()
    free = [room] * (2 * size)  # free[i] is the largest room below node i; the leaves begin at `size`
    bins: list[list[int]] = []
    for text in np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable").tolist():
        node = 1
        while node < size:
            node = 2 * node if free[2 * node] >= lengths[text] else 2 * node + 1
        row = node - size
        if row >= len(bins):
            bins.append([])
        bins[row].append(text)
        free[node] -= lengths[text]
        while node > 1:
            node //= 2
            free[node] = max(free[2 * node], free[2 * node + 1])
    return bins
