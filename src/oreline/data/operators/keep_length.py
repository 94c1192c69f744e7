"""Keep rows whose text has a sensible length."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from oreline.data.quality.rules import Bound, Calibration
from oreline.errors import UsageError


class Operator:
    """Drop rows whose text has fewer than `min` or more than `max` characters.

    Characters, not words, so that the same limit makes sense for English and Chinese. There is no upper limit
    unless one is set: what is too long for a model is cut, and counted, when it is tokenised.

    Args:
        min: fewest characters that stay.
        max: most characters that stay; no limit when not set.
        columns: text columns that are looked at, where the data has them.
    """

    def __init__(self, *, min: int = 2, max: int | None = None, columns: Sequence[str] = ("text", "text_pair")) -> None:
        if min < 0 or (max is not None and max < min):
            raise UsageError(f"keep_length: min {min}, max {max}", allowed="0 <= min <= max")
        self._min, self._max, self._columns = min, max, tuple(columns)

    def calibration(self, frame: pl.DataFrame) -> Calibration:
        """Return the characters of the first column that is looked at, with the bounds."""
        column = next((name for name in self._columns if name in frame.columns), None)
        lengths = frame[column].str.len_chars().cast(pl.Float64) if column else pl.Series([None] * frame.height)
        bounds = [Bound("min", "characters", "low", float(self._min))]
        if self._max is not None:
            bounds.append(Bound("max", "characters", "high", float(self._max)))
        every = pl.Series("language", ["all"], dtype=pl.String).new_from_index(0, frame.height)
        return Calibration(pl.DataFrame({"characters": lengths}), every, {"all": tuple(bounds)})

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        """Return `too_short` or `too_long` for each row to drop."""
        reason = pl.lit(None, dtype=pl.String)
        for column in self._columns:
            if column in frame.columns:
                characters = pl.col(column).str.len_chars()
                if self._max is not None:
                    reason = pl.when(characters > self._max).then(pl.lit("too_long")).otherwise(reason)
                reason = pl.when(characters < self._min).then(pl.lit("too_short")).otherwise(reason)
        return frame.select(_reason=reason).to_series() if frame.width else pl.Series([], dtype=pl.String)
