"""Rows whose answers are spans of their context: from the forms that people have to one, with places that hold."""

from __future__ import annotations

import json

import polars as pl

from oreline.errors import DataError
from oreline.metrics.answers import located, parse

_RANK = ("", "found", "spaced", "moved", "ambiguous", "missing")
"""What was done to find an answer; of several answers, the row tells the last of these."""


def with_answers(frame: pl.DataFrame, place: str) -> tuple[pl.DataFrame, pl.Series]:
    """Return a frame in which `answers` is a JSON list of `{"text", "start"}`, and what was done to find them.

    Answers may have any form that `oreline.metrics.answers.parse` reads; a question without one has the list `[]`. The
    second value is `answer_found`, `answer_moved`, `answer_spaced`, `answer_ambiguous` (the first occurrence is taken)
    or `answer_missing` (one of several is not in the context) for a row whose places were not given or did not hold,
    else null.

    Raises `DataError` for a row none of whose answers is in its context, or with what is no answer.
    """
    cells: list[str] = []
    notes: list[str | None] = []
    for row_id, context, given in frame.select("row_id", "text_pair", "answers").iter_rows():
        try:
            found = located(context or "", parse(given))
        except ValueError as error:
            raise DataError(
                str(error),
                where=f"{row_id}, {place}" if place not in row_id else row_id,
                allowed="answers that are spans of their context; none where it does not say",
                remedy="correct the row, or empty its answers",
            ) from error
        spans = [{"text": answer.text, "start": answer.start if answer.start >= 0 else None} for answer, _ in found]
        cells.append(json.dumps(spans, ensure_ascii=False))
        note = max((note for _, note in found), key=_RANK.index, default="")
        notes.append(f"answer_{note}" if note else None)
    return frame.with_columns(pl.Series("answers", cells, pl.String)), pl.Series("reason", notes, pl.String)
