"""Drop rows without text."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


class Operator:
    """Drop rows in which a text holds nothing that can be seen.

    Args:
        columns: text columns that are looked at, where the data has them.
    """

    def __init__(self, *, columns: Sequence[str] = ("text", "text_pair")) -> None:
        self._columns = tuple(columns)

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        """Return `empty` for each row whose text is null or holds only spaces and invisible characters."""
        reason = pl.lit(None, dtype=pl.String)
        for column in self._columns:
            if column in frame.columns:
                seen = pl.col(column).str.contains(r"[^\s\p{Cc}\p{Cf}]").fill_null(False)
                reason = pl.when(seen).then(reason).otherwise(pl.lit("empty"))
        return frame.select(_reason=reason).to_series() if frame.width else pl.Series([], dtype=pl.String)
