"""Take out lines that are not the text's own: navigation, cookies, copyright, and what stands in many texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from oreline.data.fold import changed_where
from oreline.data.texts.boilerplate import BYLINE, BYLINE_SIGNS, pattern, repeated_lines, without_lines
from oreline.data.texts.edits import READ_COLUMNS, edited
from oreline.errors import UsageError

_BYLINE_CHARACTERS = 100
"""At the end of a text, in which a byline is looked for."""


class Operator:
    """Take out the furniture of web pages: `Home | About us`, `Read more »`, `责任编辑：王小明`, `点击阅读全文`.

    Patterns for English and Chinese find it, and so does counting: a line that stands in many texts of the data belongs
    to their pages. Both look at short lines of texts that have several; one-line texts (reviews, questions) lose at
    most a byline after their last sentence, and a text that is nothing else stays whole. Put it after `normalize_text`
    and `strip_markup`, which make lines, and after `dedup_exact`.

    The reasons: `furniture`, `repeated_line`, `byline`. Memory: lines are counted in 20,000 texts at most, or in
    as many as come to 128 MB, evenly spaced; these are held meanwhile.

    Args:
        share: of the texts with several lines that a line must stand in to count as theirs; 0 turns counting off.
        num_texts: how many of them at least.
        lines: texts with fewer lines are left alone, but for the byline.
        columns: text columns that are changed, where the data has them.

    >>> frame = pl.DataFrame({"row_id": ["a:1"], "text": ["Home | About us\\nThe film is fine.\\nRead more »"]})
    >>> Operator().edit(frame)["text"][0]
    'The film is fine.'
    """

    def __init__(
        self,
        *,
        share: float = 0.02,
        num_texts: int = 10,
        lines: int = 3,
        columns: Sequence[str] = READ_COLUMNS,
    ) -> None:
        if not 0 <= share <= 1 or num_texts < 2 or lines < 2:
            raise UsageError(
                f"drop_boilerplate: share {share}, num_texts {num_texts}, lines {lines}",
                allowed="share 0 to 1, num_texts 2 or more, lines 2 or more",
            )
        self._share, self._num_texts, self._lines, self._columns = share, num_texts, lines, tuple(columns)
        self._repeated: list[str] = []

    def fit(self, scan: pl.LazyFrame) -> dict[str, Any]:
        """Return the lines that stand in many texts."""
        if not self._share:
            return {"lines": []}
        found = repeated_lines(scan, self._columns, share=self._share, num=self._num_texts, lines=self._lines)
        return {"lines": found}

    def learnt(self, found: Mapping[str, Any]) -> None:
        """Take what `fit` returned."""
        self._repeated = list(found["lines"])

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows without such lines."""
        changes = {
            "furniture": self._without_furniture,
            "repeated_line": self._without_repeated,
            "byline": _without_byline,
        }
        return edited(frame, self._columns, changes, rounds=8)

    def _without_furniture(self, text: pl.Series) -> pl.Series:
        return without_lines(text, pl.col("stripped").str.contains(pattern()), lines=self._lines)

    def _without_repeated(self, text: pl.Series) -> pl.Series:
        if not self._repeated:
            return text
        return without_lines(text, pl.col("stripped").is_in(self._repeated), lines=self._lines)


def _without_byline(text: pl.Series) -> pl.Series:
    def change(some: pl.Series) -> pl.Series:
        short = some.str.replace(BYLINE, "${end}")
        return pl.select(pl.when(short.str.contains(r"\S")).then(short).otherwise(some)).to_series()

    return changed_where(text, text.str.tail(_BYLINE_CHARACTERS).str.contains(BYLINE_SIGNS), change)
