"""Which of several rows that say the same stays.

Shape suffixes: P places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.duplicates.drops import Drops, Similarity
from oreline.data.duplicates.tokens import I64
from oreline.data.external.sorting import Sorted, decoded
from oreline.data.external.spool import Spool
from oreline.data.external.table import Table
from oreline.errors import UsageError

Keep = Literal["longest", "first", "newest", "highest"]
Rank = Callable[[I64], NDArray[np.generic]]
"""From places of rows to numbers; the lower, the better the row is."""
_ROUNDS = 32
"""Times that a component is divided again; rows that are left then stay."""


def ranks(scan: pl.LazyFrame, keep: Keep, column: str, lengths: Spool, *, operator: str, max_bytes: int) -> Rank:
    """Return what ranks rows.

    Args:
        scan: all rows.
        keep: what makes a row better.
        column: the column for `highest`.
        lengths: of each row.
        operator: named where the rows lack the column that decides.
        max_bytes: what the numbers may take in memory.

    Raises `UsageError` where the rows lack that column.
    """
    if keep == "first":
        return np.zeros_like
    if keep == "longest":
        return lambda place_P: -lengths.at(place_P)
    names = scan.collect_schema().names()
    wanted = "time" if keep == "newest" else column
    if wanted not in names:
        raise UsageError(
            f"{operator}: keep is {keep}, and the rows have no column {wanted!r}",
            allowed=", ".join(name for name in names if name != "row_id"),
            remedy="name the column by its role (--time COLUMN), or choose another `keep`",
        )
    values = Spool(np.float64, max_bytes=max_bytes)
    numbers = pl.col(wanted).to_physical().cast(pl.Float64, strict=False).fill_nan(None).fill_null(-np.inf)
    for frame in scan.select(numbers).collect_batches(chunk_size=1 << 14):
        values.append(frame.to_series().to_numpy())
    return lambda place_P: -values.at(place_P)


def divide(waiting: Sorted, rank: Rank, similarity: Similarity, least: float, drops: Drops, *, max_bytes: int) -> int:
    """Divide components: the best row of each stays, those go that are like it; the others are divided again.

    Args:
        waiting: rows, as `coded(root of its component, row)`.
        rank: what makes a row better.
        similarity: of pairs of rows.
        least: similarity to the row that stays from which on a row goes.
        drops: where the rows that go are noted.
        max_bytes: held in memory, about.

    Returns:
        How many rows of long chains stay although they are near to some row.
    """
    stays = Table(drops.num_rows, np.uint32, max_bytes=max_bytes // 2)
    for _ in range(_ROUNDS):
        if not len(waiting):
            break
        for root_P, row_P in best_of(waiting.blocks(), rank):
            stays.put(root_P, row_P)
        rest = Sorted(max_bytes=max_bytes // 4)
        for block in waiting.blocks():
            root_P, row_P = decoded(block)
            best_P = stays.take(root_P).astype(np.int64)
            others = np.flatnonzero(row_P != best_P)
            goes = similarity(row_P[others], best_P[others]) >= least
            drops.put(row_P[others[goes]], best_P[others[goes]])
            rest.append(block[others[~goes]])
        waiting = rest
    return len(waiting)


def best_of(blocks: Iterable[NDArray[np.uint64]], rank: Rank) -> Iterator[tuple[I64, I64]]:
    """Yield the groups of blocks of `coded(group, row)` and the best row of each: the first among equals.

    A group that goes on in the next block is given again, with the best of its rows up to there.

    >>> from oreline.data.external.sorting import coded
    >>> groups = coded(np.array([7, 7, 8]), np.array([0, 2, 1]))
    >>> [(group.tolist(), row.tolist()) for group, row in best_of([groups], lambda row: -row)]
    [([7, 8], [2, 1])]
    """
    begun_P, best_P = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for block in blocks:
        group_P, row_P = map(np.concatenate, zip((begun_P, best_P), decoded(block)))
        order = np.lexsort((row_P, rank(row_P), group_P))
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = group_P[order][1:] != group_P[order][:-1]
        group_P, row_P = group_P[order[is_first]], row_P[order[is_first]]
        yield group_P, row_P
        begun_P, best_P = group_P[-1:], row_P[-1:]
