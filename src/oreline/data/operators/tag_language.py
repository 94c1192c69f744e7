"""Add a column that says which language each text is in."""

from __future__ import annotations

import polars as pl

from oreline.data.texts.edits import as_read
from oreline.data.texts.language import UNDETERMINED, identify
from oreline.errors import UsageError


class Operator:
    """Add the language of each row's text as a column: `en`, `zh`, `zh+en` for a code-mixed text.

    Codes are those of ISO 639-1, and `und` where the language cannot be told, `zxx` where there are no letters. A row
    is never dropped or changed; the report can be read by this column, and `keep_language` uses the same answers.

    Args:
        column: name of the new column.
        min_score: probability that a guess needs, 0 to 1; below it stands `und`.

    >>> frame = pl.DataFrame({"text": ["这部电影很好看", "我的 project 和 deadline 都是 Friday", "666"]})
    >>> Operator().edit(frame)["language"].to_list()
    ['zh', 'zh+en', 'zxx']
    """

    def __init__(self, *, column: str = "language", min_score: float = 0.5) -> None:
        if not column or column in ("row_id", "text", "label"):
            raise UsageError(f"tag_language: the column {column!r}", allowed="a name that is no role's")
        self._column, self._min_score = column, min_score

    def edit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with the new column."""
        if "text" not in frame.columns:
            return frame
        found = identify(as_read(frame["text"]))
        sure = pl.when(pl.col("score") >= self._min_score).then(pl.col("language")).otherwise(pl.lit(UNDETERMINED))
        named = found.select(pl.concat_str(sure, pl.col("second"), separator="+", ignore_nulls=True)).to_series()
        return frame.with_columns(named.alias(self._column))
