"""Rows that are dialogues: from the forms that people have to what was said before the last answer, and that answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from oreline.dialogue import (
    ASSISTANT,
    REPAIR,
    SYSTEM,
    Message,
    as_cell,
    fault,
    instruction,
    is_dialogue,
    messages_of,
    opening,
    parsed,
)
from oreline.errors import DataError

DIALOGUE_COLUMNS = ("messages", "conversations")
"""Names of a column that holds dialogues: OpenAI's and ShareGPT's."""
INSTRUCTION, OUTPUT = "instruction", "output"
_BESIDE = "input"
"""Alpaca's columns: what is asked, what is answered, and what the question is about, which may be empty."""
_MADE = ("text", "target_text")
_ALLOWED = "user and assistant take turns, the user first; one system message may stand before them"


def found_columns(columns: Sequence[str]) -> dict[str, str]:
    """Return the roles of the columns of ShareGPT's, OpenAI's or Alpaca's form; none where a column is named `text`.

    >>> found_columns(["id", "conversations"])
    {'messages': 'conversations'}
    >>> found_columns(["instruction", "input", "output"])
    {'messages': 'instruction'}
    """
    if "text" in columns:
        return {}
    if named := next((name for name in DIALOGUE_COLUMNS if name in columns), None):
        return {"messages": named}
    return {"messages": INSTRUCTION} if {INSTRUCTION, OUTPUT} <= set(columns) else {}


def from_messages(frame: pl.DataFrame, column: str, place: str) -> pl.DataFrame:
    """Return rows that have their dialogue in a column with `text` and `target_text` in its place.

    `text` is a JSON list of the messages before the last answer, `target_text` that answer. A broken dialogue stands in
    `text` whole, without a target: an operator may mend or drop it, or `refuse_broken` says what breaks it. A column
    `system` gives those a system message that have none. The column `instruction` means Alpaca's form.

    Raises `DataError` for a cell that is no list of messages.
    """
    is_alpaca = column == INSTRUCTION
    beside = [name for name in (_BESIDE, OUTPUT) if is_alpaca and name in frame.columns]
    cells: list[tuple[str | None, str | None]] = []
    for row in frame.iter_rows(named=True):
        if row[column] is None:
            cells.append((None, None))
        elif is_alpaca:
            answer = row.get(OUTPUT)
            asked = as_cell(instruction(row[column], row.get(_BESIDE), row.get(SYSTEM)))
            cells.append((asked, None if answer is None else str(answer)))
        else:
            messages = _parsed(row[column], _where(row["row_id"], place))
            if messages and messages[0].role != SYSTEM:
                messages = [*opening(row.get(SYSTEM)), *messages]
            cells.append(cells_of(messages))
    made = [pl.Series(name, [cell[part] for cell in cells], pl.String) for part, name in enumerate(_MADE)]
    return frame.drop(column, *beside, *_MADE, strict=False).with_columns(made)


def cells_of(messages: Sequence[Message]) -> tuple[str | None, str | None]:
    """Return the cells `text` and `target_text` of a dialogue; a broken one stands in `text`, without a target."""
    if not messages:
        return None, None
    if fault(messages, answered=True):
        return as_cell(messages), None
    return as_cell(messages[:-1]), messages[-1].content


def whole(text: str, target: str | None) -> list[Message]:
    """Return the messages of a row, its answer included. Raises `ValueError` for a list of messages that is none."""
    return [*messages_of(text), *([Message(ASSISTANT, target)] if target is not None else [])]


def dialogue_rows(frame: pl.DataFrame) -> pl.Series:
    """Return which rows have a list of messages for a text."""
    if "text" not in frame.columns:
        return pl.Series([False] * frame.height, dtype=pl.Boolean)
    return pl.Series([cell is not None and is_dialogue(cell) for cell in frame["text"].to_list()], dtype=pl.Boolean)


def refuse_broken(frame: pl.DataFrame) -> None:
    """Raise `DataError` for the first row with a dialogue that something breaks, or that has no answer."""
    if not {"text", "target_text"} <= set(frame.columns):
        return
    rows = frame.filter(dialogue_rows(frame)).select("row_id", "text", "target_text")
    for row_id, text, target in rows.iter_rows():
        if broken := fault(_parsed_row(text, target, row_id), answered=True):
            raise DataError(broken, where=row_id, allowed=_ALLOWED, remedy=REPAIR)


def _parsed_row(text: str, target: str | None, row_id: str) -> list[Message]:
    try:
        return whole(text, target)
    except ValueError as error:
        raise _no_dialogue(error, row_id) from error


def _where(row_id: str, place: str) -> str:
    return row_id if place in row_id else f"{row_id}, {place}"


def _parsed(given: Any, where: str) -> list[Message]:
    try:
        return parsed(given)
    except ValueError as error:
        raise _no_dialogue(error, where) from error


def _no_dialogue(error: ValueError, where: str) -> DataError:
    return DataError(
        str(error),
        where=where,
        allowed='[{"role": "user", "content": "…"}, …], of system, user, assistant; or ShareGPT\'s from and value',
        remedy="correct the row, or leave it out",
    )
