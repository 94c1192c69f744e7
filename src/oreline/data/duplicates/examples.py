"""Some rows that go beside those that stay, for a report."""

from __future__ import annotations

import polars as pl

from oreline.data.columnar import rows_at
from oreline.data.duplicates.drops import Goes
from oreline.data.duplicates.tokens import mixed

MAX_EXAMPLES = 8
_SHOWN_CHARACTERS = 80
_HELD = 10_000
"""Pairs of which the examples are chosen: all up to here, of more these, drawn by their places."""


class Examples:
    """Takes rows that go as they stream by."""

    def __init__(self) -> None:
        schema = {"position": pl.Int64, "kept": pl.Int64, "similarity": pl.Float64, "key": pl.UInt64}
        self._held = pl.DataFrame(schema=schema)

    def take(self, frame: pl.DataFrame, goes: Goes) -> None:
        """Take those rows of a frame of `DROPS` that are not equal to the one that they go for."""
        keys = pl.Series("key", mixed(goes.position_P.astype("uint64")))
        places = {"position": goes.position_P, "kept": goes.kept_P, "similarity": frame["similarity"], "key": keys}
        self._held = pl.concat([self._held, pl.DataFrame(places).filter(pl.col("similarity") < 1)])
        if self._held.height > 2 * _HELD:
            self._held = self._held.sort("key").head(_HELD)

    def rows(self, scan: pl.LazyFrame) -> list[list[str | float]]:
        """Return some pairs, from the least similar on: ids, similarity, beginnings of the texts.

        Args:
            scan: all rows.
        """
        shown = self._held.sort("key").head(_HELD).sort("similarity", "position")
        shown = shown.gather_every(max(shown.height // MAX_EXAMPLES, 1)).head(MAX_EXAMPLES)
        if shown.is_empty():
            return []
        wanted = pl.concat([shown["position"], shown["kept"]]).unique().sort().cast(pl.UInt32)
        rows = rows_at(scan.select("row_id", pl.col("text").str.head(_SHOWN_CHARACTERS)), wanted.to_numpy())
        found = dict(zip(wanted.to_list(), rows.iter_rows()))
        return [
            [found[one][0], found[other][0], round(similarity, 3), found[one][1], found[other][1]]
            for one, other, similarity, _ in shown.iter_rows()
        ]
