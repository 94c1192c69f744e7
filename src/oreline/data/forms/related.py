"""Rows of two entities: from columns that say where they stand to one text in which they are marked."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from oreline.errors import DataError
from oreline.metrics.marked import mention_of, read_marked, write_marked
from oreline.words import words_of


def with_marks(frame: pl.DataFrame, place: str) -> pl.DataFrame:
    """Return a frame whose `text` marks the entities of the columns `head` and `tail`, which are dropped.

    For the forms that these may have see `oreline.metrics.marked.mention_of`. A text that is a list of words becomes
    one text. A text without `head` and `tail` that has its marks already stays as it is; any other row that lacks one
    of the three has no text.

    Raises `DataError` for a row whose entity is not in its text.
    """
    texts: list[str | None] = []
    for row_id, text, head, tail in frame.select("row_id", "text", "head", "tail").iter_rows():
        if text is None or head is None or tail is None:
            texts.append(text if text is not None and head is tail is None and _is_marked(text) else None)
            continue
        try:
            texts.append(write_marked(words_of(text)[0], mention_of(head, text), mention_of(tail, text)))
        except ValueError as error:
            raise DataError(
                str(error),
                where=f"{row_id}, {place}" if place not in row_id else row_id,
                allowed="[start, end], [start, end, type], or words that occur once in the text",
                remedy="correct the row",
            ) from error
    return frame.drop("head", "tail").with_columns(pl.Series("text", texts, pl.String))


def unmarked(frame: pl.DataFrame, bound: Mapping[str, str]) -> pl.Series:
    """Return which rows of a source have a text, and lack the head or the tail that would mark it.

    Args:
        frame: rows as they were read.
        bound: the source's columns by role. Without `head` and `tail` nothing is to be marked.
    """
    columns = [bound[role] for role in ("text", "head", "tail") if role in bound]
    if len(columns) < 3 or columns[0] not in frame.columns:
        return pl.repeat(False, frame.height, eager=True, dtype=pl.Boolean)
    lacks = [pl.col(name).is_null() if name in frame.columns else pl.lit(True) for name in columns[1:]]
    return frame.select((pl.col(columns[0]).is_not_null() & pl.any_horizontal(*lacks)).alias("unmarked")).to_series()


def _is_marked(text: str) -> bool:
    try:
        read_marked(text)
    except ValueError:
        return False
    return True
