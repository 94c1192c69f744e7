"""The ids of all rows by their places, however many they are."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from oreline.data.external.spool import Spool

_CHUNK = 1 << 14

I64 = NDArray[np.int64]


class RowIds:
    """Looks up the `row_id` of rows; beyond a bound the ids lie on disk.

    Args:
        scan: all rows, with `row_id`.
        max_bytes: what the ids may take in memory.
    """

    def __init__(self, scan: pl.LazyFrame, *, max_bytes: int) -> None:
        self._ends = Spool(np.int64, max_bytes=max_bytes // 2)
        self._letters = Spool(np.uint8, max_bytes=max_bytes // 2)
        self._ends.append(np.zeros(1, np.int64))
        num_bytes = 0
        for frame in scan.select("row_id").collect_batches(chunk_size=_CHUNK):
            ends, letters = _parts(frame["row_id"])
            self._ends.append(ends + num_bytes)
            self._letters.append(letters)
            num_bytes += len(letters)

    def at(self, places_P: I64) -> pl.Series:
        """Return the ids of the rows at some places, in any order."""
        starts_P = self._ends.at(places_P)
        counts_P = self._ends.at(places_P + 1) - starts_P
        letters = self._letters.runs(starts_P, counts_P)
        offsets = np.concatenate([[0], np.cumsum(counts_P)]).astype(np.int64)
        ids = pa.LargeStringArray.from_buffers(len(places_P), pa.py_buffer(offsets), pa.py_buffer(letters))
        return pl.Series("row_id", ids, dtype=pl.String)


def _parts(ids: pl.Series) -> tuple[I64, NDArray[np.uint8]]:
    """Return where each id ends, and the bytes of all."""
    lengths = ids.str.len_bytes().to_numpy().astype(np.int64)
    return np.cumsum(lengths), np.frombuffer("".join(ids.to_list()).encode(), np.uint8)
