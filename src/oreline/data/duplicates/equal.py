"""Rows of equal text: found by hashes of 16 bytes, of which only those are looked at that occur again.

Shape suffixes: N rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.external.spool import Spool
from oreline.data.fold import INPUT_ROLES, wide_hashes

KEY = ("hash_high", "hash_low")
"""Columns that are equal where texts are the same after folding."""
SPOOL_BYTES = 256 << 20
_COLUMNS = (*KEY, "target")
_CHUNK = 4096


def marks(frame: pl.DataFrame, targets: Sequence[str] = ()) -> pl.DataFrame:
    """Return a hash of the folded texts of each row as `KEY`, and one of its targets together as `target`.

    Args:
        frame: rows; the texts of rows without a text column are all alike.
        targets: columns, of which a null is a value of its own.

    >>> found = marks(pl.DataFrame({"text": ["Good", "good "], "label": ["a", "b"]}), ["label"])
    >>> found["hash_high"].n_unique(), found["target"].n_unique()
    (1, 2)
    """
    nothing = pl.Series(np.zeros(frame.height, np.uint64))
    inputs = inputs_of(frame.columns)
    hashes = wide_hashes(frame, inputs) if inputs else pl.DataFrame(dict.fromkeys(KEY, nothing))
    target = frame.select(pl.struct(targets).hash()).to_series() if targets else nothing
    return hashes.with_columns(target.alias("target"))


def marks_of(scan: pl.LazyFrame, targets: Sequence[str] = ()) -> Iterator[pl.DataFrame]:
    """Yield the marks of all rows, some thousands at a time; the texts are never held together."""
    columns = [*inputs_of(scan.collect_schema().names()), *targets]
    for batch in scan.select(columns).collect_batches(chunk_size=_CHUNK):
        yield marks(batch, targets)


def repeated(found: Iterable[pl.DataFrame], *, max_bytes: int = SPOOL_BYTES) -> pl.DataFrame:
    """Return the rows whose text occurs more than once, in order: `position`, `KEY` and `target`.

    Memory: 16 bytes a row, and 24 more up to `max_bytes`, beyond which those lie on disk.

    Args:
        found: what `marks` returns, of all rows in order.
        max_bytes: what may be held of them in memory.

    >>> rows = pl.DataFrame({"text": ["a", "b", "A "]})
    >>> repeated([marks(rows)])["position"].to_list()
    [0, 2]
    """
    spool = Spool(np.uint64, width=len(_COLUMNS), max_bytes=max_bytes)
    for part in found:
        spool.append(part.select(_COLUMNS).to_numpy())
    rows_N3 = spool.array()
    sorted_N = np.sort(rows_N3[:, 0])
    twice = np.unique(sorted_N[1:][sorted_N[1:] == sorted_N[:-1]])
    del sorted_N
    positions = _among(rows_N3, twice)
    chosen = rows_N3[positions]
    columns = {name: chosen[:, place].copy() for place, name in enumerate(_COLUMNS)}
    rows = pl.DataFrame({"position": positions.astype(np.uint32), **columns})
    return rows.filter(pl.len().over(KEY) > 1)


def _among(rows_N3: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the numbers of the rows whose first column is among sorted numbers, some rows at a time."""
    found = [np.zeros(0, np.int64)]
    for low in range(0, len(rows_N3) if len(wanted) else 0, 1 << 16):
        part = np.ascontiguousarray(rows_N3[low : low + (1 << 16), 0])
        place = np.minimum(np.searchsorted(wanted, part), len(wanted) - 1)
        found.append(np.flatnonzero(wanted[place] == part) + low)
    return np.concatenate(found)


def inputs_of(columns: Sequence[str]) -> list[str]:
    """Return the columns whose texts say whether two rows are the same."""
    return [role for role in INPUT_ROLES if role in columns]
