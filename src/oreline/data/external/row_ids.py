"""The ids of all rows by their places, however many they are."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.external.texts import Texts

_CHUNK = 1 << 14


class RowIds:
    """Looks up the `row_id` of rows, which are read when one is asked for; beyond a bound the ids lie on disk.

    Args:
        scan: all rows, with `row_id`.
        max_bytes: what the ids may take in memory.
    """

    def __init__(self, scan: pl.LazyFrame, *, max_bytes: int) -> None:
        self._scan, self._max_bytes = scan, max_bytes

    def at(self, places_P: NDArray[np.int64]) -> pl.Series:
        """Return the ids of the rows at some places, in any order."""
        return self._ids.at(places_P).alias("row_id")

    @cached_property
    def _ids(self) -> Texts:
        ids = Texts(max_bytes=self._max_bytes)
        for frame in self._scan.select("row_id").collect_batches(chunk_size=_CHUNK):
            ids.append(frame["row_id"])
        return ids
