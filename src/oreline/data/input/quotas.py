"""Quotas of sources: so many rows of each, drawn by the hash of their ids."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from oreline.data.fold import row_hashes

NAME = "quota"
"""In the ledger."""
REASON = "over_quota"


class Quotas:
    """Keeps at most so many rows of a source, or such a share of them; the same rows for the same seed.

    Whether a row is drawn depends on its id and the seed, and not on the order of the rows. A larger quota keeps the
    rows of a smaller one.

    Args:
        quotas: by the name in the column `source`: rows where it is an `int`, a share of at most 1 where a `float`.
        seed: of the draw.
    """

    def __init__(self, quotas: Mapping[str, int | float], seed: int = 0) -> None:
        self._quotas, self._seed = quotas, seed

    def whole(self, scan: pl.LazyFrame) -> pl.DataFrame:
        """Return the rows beyond the quotas."""
        of_sources = scan.filter(pl.col("source").is_in(list(self._quotas))).select("row_id", "source")
        rows = of_sources.collect(engine="streaming")
        seeded = rows.select(pl.concat_str(pl.lit(f"{self._seed} "), pl.col("row_id")).alias("drawn"))
        drawn = rows.with_columns(pl.Series("hash", row_hashes(seeded, ["drawn"]), dtype=pl.UInt64))
        over = [self._over(drawn.filter(pl.col("source") == name), quota) for name, quota in self._quotas.items()]
        found = pl.concat(over) if over else drawn.select("row_id")
        return found.with_columns(pl.lit(REASON).alias("reason"), pl.lit(None, dtype=pl.String).alias("kept_id"))

    def _over(self, rows: pl.DataFrame, quota: int | float) -> pl.DataFrame:
        kept = quota if isinstance(quota, int) else round(rows.height * quota)
        order = np.lexsort((np.arange(rows.height), rows["hash"].to_numpy()))
        return rows.select("row_id")[np.sort(order[kept:])]
