"""Shorten characters that are repeated for emphasis."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from oreline.data.fold import changed_where
from oreline.data.texts.edits import READ_COLUMNS, each, edited
from oreline.data.texts.repeats import has_repeats
from oreline.errors import UsageError

_ADDRESS = r"(?<![A-Za-z0-9])(?i:https?://|www\.)[A-Za-z0-9](?:[!#-;=?-~]*[A-Za-z0-9/#=&%_-])?"
"""Of the web. What is shortened in one leads elsewhere."""


class Operator:
    """Shorten `哈哈哈哈哈哈`, `!!!!!!`, `soooooo` and `hahahaha` to a given number of repetitions.

    What doubles or triples by rights stays: two of a kind always do (`good`, `看看`, `谢谢`), and so do three capital
    letters (`III`, `AAA`) and web addresses. Digits are never touched: `10000000` is a number, and so is `138888888`.

    The reason: `repeats`.

    Args:
        max_repeats: how many of a kind stay, 2 at least.
        max_unit: longest part that counts as repeated, in characters, 1 to 6 (`好吃好吃好吃好吃` has parts of two).
        columns: text columns that are shortened, where the data has them.

    >>> frame = pl.DataFrame({"row_id": ["a:1"], "text": ["Soooooo good!!!!!! 哈哈哈哈哈哈 1000000"]})
    >>> Operator().edit(frame)["text"][0]
    'Sooo good!!! 哈哈哈 1000000'
    """

    def __init__(self, *, max_repeats: int = 3, max_unit: int = 4, columns: Sequence[str] = READ_COLUMNS) -> None:
        if max_repeats < 2 or not 1 <= max_unit <= 6:
            raise UsageError(
                f"squeeze_repeats: max_repeats {max_repeats}, max_unit {max_unit}",
                allowed="max_repeats 2 or more, max_unit 1 to 6",
            )
        self._max_repeats, self._max_unit, self._columns = max_repeats, max_unit, tuple(columns)
        self._pattern = re.compile(rf"{_ADDRESS}|(\S{{1,{max_unit}}}?)\1{{{max_repeats},}}")

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the shortened rows."""
        return edited(frame, self._columns, {"repeats": self._squeezed}, rounds=8)

    def _squeezed(self, text: pl.Series) -> pl.Series:
        repeated = has_repeats(text, max_unit=self._max_unit, num=self._max_repeats + 1)
        return changed_where(text, repeated, each(lambda some: self._pattern.sub(self._shorter, some)))

    def _shorter(self, run: re.Match[str]) -> str:
        unit = run[1]
        if unit is None:
            return run[0]
        if any(character.isdigit() for character in unit) or run[0] in ("www", "WWW"):
            return run[0]
        if len(run[0]) == 3 and unit.isupper() and unit.isascii():
            return run[0]
        return unit * self._max_repeats
