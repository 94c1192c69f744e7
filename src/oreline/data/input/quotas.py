"""Quotas of sources: so many rows of each, drawn by the hash of their ids.

Shape suffixes: R rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.external.sorting import Sorted
from oreline.data.external.spool import Spool
from oreline.data.fold import row_hashes

NAME = "quota"
"""In the ledger."""
REASON = "over_quota"
_CHUNK = 1 << 16
"""Rows whose ids are looked at together."""


class Quotas:
    """Keeps at most so many rows of a source, or such a share of them; the same rows for the same seed.

    Whether a row is drawn depends on its id and the seed, and not on the order of the rows. A larger quota keeps the
    rows of a smaller one. Hashes of all rows of these sources are sorted, beyond a bound on disk.

    Args:
        quotas: by the name in the column `source`: rows where it is an `int`, a share of at most 1 where a `float`.
        seed: of the draw.
    """

    memory_bytes = 1 << 30
    """What may be held; a refinery sets it."""

    def __init__(self, quotas: Mapping[str, int | float], seed: int = 0) -> None:
        self._quotas, self._seed = quotas, seed

    def whole(self, scan: pl.LazyFrame) -> Iterator[pl.DataFrame]:
        """Yield the rows beyond the quotas, in row order."""
        numbered = scan.select("row_id", "source").with_row_index("position")
        of_sources = numbered.filter(pl.col("source").is_in(list(self._quotas)))
        hashes = Spool(np.uint64, max_bytes=self.memory_bytes // 64)
        rows_of = {name: Sorted(max_bytes=self.memory_bytes // 64 // len(self._quotas)) for name in self._quotas}
        for rows in of_sources.collect_batches(chunk_size=_CHUNK):
            seeded = rows.select(pl.concat_str(pl.lit(f"{self._seed} "), pl.col("row_id")).alias("drawn"))
            hash_R = row_hashes(seeded, ["drawn"])
            hashes.append(hash_R)
            for name, own in rows_of.items():
                own.append(hash_R[rows["source"].eq(name).to_numpy()])
        bounds = {name: _Bound.of(own, self._quotas[name]) for name, own in rows_of.items()}
        done = 0
        for rows in of_sources.collect_batches(chunk_size=_CHUNK):
            hash_R = hashes.part(done, rows.height)
            done += rows.height
            is_over_R = np.zeros(rows.height, np.bool_)
            for name, bound in bounds.items():
                places = np.flatnonzero(rows["source"].eq(name).to_numpy())
                is_over_R[places] = bound.over(hash_R[places])
            over = rows.select("row_id", "position").filter(pl.Series(is_over_R))
            yield over.with_columns(pl.lit(REASON).alias("reason"), pl.lit(None, dtype=pl.String).alias("kept_id"))


@dataclass
class _Bound:
    """The largest hash of the rows of a source that stay."""

    hash: int
    num_equal: int
    """Rows with this very hash that stay still, the first ones."""

    @classmethod
    def of(cls, hashes: Sorted, quota: int | float) -> _Bound:
        """Return the bound that lets so many of some rows stay, or such a share of them."""
        left = quota if isinstance(quota, int) else round(len(hashes) * quota)
        found = cls(0, 0)
        for block in hashes.blocks():
            some = block[:left]
            left -= len(some)
            if len(some):
                last = int(some[-1])
                before = found.num_equal if found.hash == last else 0
                found = cls(last, before + int((some == some[-1]).sum()))
            if not left:
                break
        return found

    def over(self, hash_R: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return which of the next rows of the source go."""
        is_over_R = hash_R > self.hash
        equal = np.flatnonzero(hash_R == self.hash)
        is_over_R[equal[self.num_equal :]] = True
        self.num_equal -= min(self.num_equal, len(equal))
        return is_over_R
