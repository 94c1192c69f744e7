"""Rules: bounds on statistics, one set for English rows and one for Chinese, and the reasons that they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from oreline.data.quality import recent
from oreline.data.quality.languages import CHINESE, ENGLISH
from oreline.errors import UsageError, did_you_mean

Side = Literal["low", "high"]
Limits = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Bound:
    """One bound: rows whose statistic lies beyond it are dropped."""

    option: str
    """The operator's option that sets it."""
    statistic: str
    side: Side
    value: float

    def broken(self, column: pl.Expr) -> pl.Expr:
        """Return which rows lie beyond it."""
        return column < self.value if self.side == "low" else column > self.value


@dataclass(frozen=True, slots=True)
class Calibration:
    """What an operator measures of rows, and where it cuts; what `refine --calibrate` shows."""

    values: pl.DataFrame
    """A column of each statistic, a row for each row; null where the operator judges nothing."""
    languages: pl.Series
    """Which bounds each row is judged by."""
    bounds: Mapping[str, tuple[Bound, ...]]
    """Bounds by language."""
    apart: bool = False
    """Whether values of two languages do not compare: each is drawn by itself."""


class Rules:
    """The bounds of one operator.

    Args:
        name: what reasons begin with.
        bounds: option to its statistic and side, in the order in which reasons are looked for.
        limits: value of each option; None for no bound.
        chinese: values that hold for Chinese rows instead; the published ones.
        own: values that the user gives for Chinese rows. Raises `UsageError` for an option that is not there.
        column: the column with the text.
    """

    def __init__(
        self,
        name: str,
        bounds: Mapping[str, tuple[str, Side]],
        limits: Limits,
        *,
        chinese: Limits,
        own: Limits | None,
        column: str,
    ) -> None:
        for option in own or {}:
            if option not in bounds:
                raise UsageError(f"{name}: chinese has no option {option!r}", allowed=did_you_mean(option, bounds))
        self.name, self.column = name, column
        by_language = {ENGLISH: limits, CHINESE: {**limits, **chinese, **(own or {})}}
        self.bounds: dict[str, tuple[Bound, ...]] = {
            language: tuple(
                Bound(option, statistic, side, float(value))
                for option, (statistic, side) in bounds.items()
                if (value := values[option]) is not None
            )
            for language, values in by_language.items()
        }
        recent.announce(self, self.statistics)

    @property
    def statistics(self) -> list[str]:
        """Names of all statistics that are bounded, in order."""
        return list(dict.fromkeys(bound.statistic for bounds in self.bounds.values() for bound in bounds))

    def measured(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return each statistic, a row for each row, and which rules it is judged by (`recent.LANGUAGE_OF_ROW`)."""
        return recent.of_frame(frame, self.column, self.statistics)

    def calibration(self, frame: pl.DataFrame) -> Calibration:
        """Return what is measured of rows, with the bounds."""
        values = self.measured(frame)
        languages = values[recent.LANGUAGE_OF_ROW]
        return Calibration(values.drop(recent.LANGUAGE_OF_ROW), languages, self.bounds)

    def reasons(self, frame: pl.DataFrame) -> pl.Series:
        """Return `name: statistic`, with the side where there are bounds on both, for each row beyond a bound."""
        if self.column not in frame.columns or not frame.height:
            return pl.Series("reason", [None] * frame.height, dtype=pl.String)
        return self.measured(frame).select(self._reason().alias("reason")).to_series()

    def _reason(self) -> pl.Expr:
        found: list[pl.Expr] = []
        for language, bounds in self.bounds.items():
            sides = [bound.statistic for bound in bounds]
            for bound in bounds:
                side = f" {bound.side}" if sides.count(bound.statistic) > 1 else ""
                beyond = (pl.col(recent.LANGUAGE_OF_ROW) == language) & bound.broken(pl.col(bound.statistic))
                found.append(pl.when(beyond).then(pl.lit(f"{self.name}: {bound.statistic}{side}")))
        return pl.coalesce(found) if found else pl.lit(None, dtype=pl.String)
