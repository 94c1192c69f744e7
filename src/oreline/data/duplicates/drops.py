"""Rows that go, by their places: noted in any order, read in the order of the rows.

Shape suffixes: P places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.columnar import frames_of
from oreline.data.duplicates.tokens import I64
from oreline.data.external.row_ids import RowIds
from oreline.data.external.spool import Spool
from oreline.data.external.table import Bits, Table

TARGETS = ("label", "tags", "answers", "target_text")
DROPS = {
    "row_id": pl.String,
    "reason": pl.String,
    "kept_id": pl.String,
    "similarity": pl.Float64,
    "position": pl.UInt32,
}
"""Columns of the rows to drop; `position` is the place of a row in the scan."""
_BLOCK = 1 << 15
_GONE, _FIRST = 1, 2
"""What is noted of a row: 0 where it stays, 1 where it goes for no other, else the place of the other and 2."""

Similarity = Callable[[I64, I64], NDArray[np.float64]]
"""Of pairs of rows, by their places."""


class Goes(NamedTuple):
    """Rows that go, in order, and the rows that they go for."""

    position_P: I64
    kept_P: I64
    """-1 where a row goes for no other."""

    def named(self, ids: RowIds, *, reason: str | pl.Series, similarity: Similarity | None = None) -> pl.DataFrame:
        """Return them as a frame of `DROPS`."""
        alike_P = np.full(len(self.kept_P), np.nan) if similarity is None else similarity(*self)
        columns = {
            "row_id": ids.at(self.position_P),
            "reason": pl.Series([reason]).new_from_index(0, len(alike_P)) if isinstance(reason, str) else reason,
            "kept_id": ids.at(np.maximum(self.kept_P, 0)),
            "similarity": pl.Series(alike_P).fill_nan(None),
            "position": self.position_P.astype(np.uint32),
        }
        return pl.DataFrame(columns).with_columns(pl.when(pl.Series(self.kept_P >= 0)).then("kept_id").alias("kept_id"))

    def where(self, chosen_P: NDArray[np.bool_]) -> Goes:
        """Return some of them."""
        return Goes(self.position_P[chosen_P], self.kept_P[chosen_P])


class Drops:
    """Notes which rows go, and for which; 4 bytes a row up to a bound, beyond it on disk."""

    def __init__(self, num_rows: int, *, max_bytes: int) -> None:
        self.num_rows = num_rows
        self._noted = Table(num_rows, np.uint32, max_bytes=max_bytes)

    def put(self, position_P: I64, kept_P: I64) -> None:
        """Note rows that go, none of them twice in one call; -1 for those that go for no other."""
        self._noted.put(position_P, np.where(kept_P < 0, _GONE, kept_P + _FIRST))

    def kept(self, position_P: I64) -> I64:
        """Return the rows for which some rows go; the rows themselves where they stay."""
        noted = self._noted.take(position_P).astype(np.int64)
        return np.where(noted == 0, position_P, noted - _FIRST)

    def blocks(self) -> Iterator[Goes]:
        """Yield the rows that go, in order."""
        for low in range(0, self.num_rows, _BLOCK):
            places = np.arange(low, min(low + _BLOCK, self.num_rows))
            noted = self._noted.take(places).astype(np.int64)
            if len(chosen := np.flatnonzero(noted)):
                yield Goes(places[chosen], noted[chosen] - _FIRST)

    def named(
        self, scan: pl.LazyFrame, *, reason: str, max_bytes: int, similarity: Similarity | None = None
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows that go as frames of `DROPS`, in order.

        Args:
            scan: all rows.
            reason: why they go.
            max_bytes: what the ids of all rows may take in memory.
            similarity: of each row and the one that it goes for; none when not given.
        """
        ids = RowIds(scan, max_bytes=max_bytes)
        for goes in self.blocks():
            yield goes.named(ids, reason=reason, similarity=similarity)


class Disagreement:
    """Clusters whose rows differ in a label, tags, answers or a target text: to merge them would decide which is right.

    Args:
        drops: which rows go for which.
        scan: all rows.
        max_bytes: what hashes of the targets may take in memory.
    """

    def __init__(self, drops: Drops, scan: pl.LazyFrame, *, max_bytes: int) -> None:
        self._kept = Bits(drops.num_rows)
        names = scan.collect_schema().names()
        if not (targets := [role for role in TARGETS if role in names]):
            return
        hashes = Spool(np.uint64, max_bytes=max_bytes)
        for frame in frames_of(scan.select(targets), _BLOCK):
            hashes.append(frame.select(pl.struct(targets).hash()).to_series().to_numpy())
        for position_P, kept_P in drops.blocks():
            self._kept.set(kept_P[hashes.at(position_P) != hashes.at(kept_P)])

    def count(self) -> int:
        """Return how many clusters there are."""
        return self._kept.count()

    def among(self, goes: Goes) -> NDArray[np.bool_]:
        """Return which rows would go for one of such a cluster."""
        return self._kept.at(goes.kept_P)
