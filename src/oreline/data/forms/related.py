"""Rows of two entities: from columns that say where they stand to one text in which they are marked."""

from __future__ import annotations

import polars as pl

from oreline.errors import DataError
from oreline.metrics.marked import mention_of, write_marked
from oreline.words import words_of


def with_marks(frame: pl.DataFrame, place: str) -> pl.DataFrame:
    """Return a frame whose `text` marks the entities of the columns `head` and `tail`, which are dropped.

    For the forms that these may have see `oreline.metrics.marked.mention_of`. A text that is a list of words becomes
    one text. A row without text, head or tail has no text.

    Raises `DataError` for a row whose entity is not in its text.
    """
    texts: list[str | None] = []
    for row_id, text, head, tail in frame.select("row_id", "text", "head", "tail").iter_rows():
        if text is None or head is None or tail is None:
            texts.append(None)
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
