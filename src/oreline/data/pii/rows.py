"""Rows with private data replaced, whatever their cells are: texts, dialogues, marked texts, words with tags."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from oreline.data.pii.actions import Substitutes
from oreline.data.pii.rewrite import (
    Cell,
    Edit,
    Rewritten,
    dialogue_cell,
    marked_cell,
    moved_answers,
    rewritten,
    tagged_cell,
)
from oreline.data.pii.scan import More, find
from oreline.data.pii.spans import Kind

Asked = Callable[[pl.Series], More]
"""Something else that finds places in texts: a model."""


@dataclass
class Found:
    """What was found in the rows of a frame."""

    lines: dict[int, list[str]] = field(default_factory=dict)
    """For each row, what was done, as JSON objects."""
    kinds: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    """For each action, kinds by row."""

    def note(self, row: int, column: str, part: int | None, edits: Sequence[Edit]) -> None:
        """Note what was done in one text of a row; `part` is the number of the message in a dialogue."""
        for edit in edits:
            line = {"column": column, "part": part, **edit._asdict()}
            self.lines.setdefault(row, []).append(json.dumps(line))
            self.kinds.setdefault(edit.action, {}).setdefault(row, []).append(edit.kind)

    def reasons(self, actions: Sequence[str], height: int) -> pl.Series:
        """Return for each row the kinds to which one of the actions was done, in one string; null where none was."""
        named: dict[int, list[str]] = {}
        for action in actions:
            for row, kinds in self.kinds.get(action, {}).items():
                named.setdefault(row, []).extend(kinds)
        return _column({row: ", ".join(sorted(set(kinds))) for row, kinds in named.items()}, height)

    def spans(self, height: int) -> pl.Series:
        """Return for each row a JSON list of what was done; null where nothing was."""
        return _column({row: f"[{', '.join(lines)}]" for row, lines in self.lines.items()}, height)


def replaced(
    frame: pl.DataFrame,
    columns: Sequence[str],
    kinds: Sequence[Kind],
    substitutes: Substitutes,
    ask: Asked | None = None,
) -> tuple[pl.DataFrame, Found]:
    """Return a frame with the values in its columns replaced, and what was found. Answers move with their context."""
    found = Found()
    for column in columns:
        if column in frame.columns and frame.schema[column] == pl.String:
            written = _written(frame, column, kinds, substitutes, ask)
            cells: dict[int, str] = {}
            for row, (cell, parts) in written.items():
                for number, part in enumerate(parts):
                    found.note(row, column, number if len(parts) > 1 else None, part.edits)
                cells[row] = cell
            if column == "text_pair" and "answers" in frame.columns:
                frame = _with_answers(frame, {row: parts[0] for row, (_, parts) in written.items()})
            frame = frame.with_columns(_scattered(frame[column], cells))
    return frame, found


def _written(
    frame: pl.DataFrame, column: str, kinds: Sequence[Kind], substitutes: Substitutes, ask: Asked | None
) -> dict[int, tuple[str, list[Rewritten]]]:
    """Return the new cell of each row with a find, and the texts it was made of."""
    series = frame[column]
    special = _special(frame, column)
    plain = [row for row in range(frame.height) if row not in special] if special else range(frame.height)
    texts = series.gather(list(plain)) if special else series
    owners = [(row, 0) for row, cell in special.items() for _ in cell.texts]
    if owners:
        texts = pl.concat(
            [texts, pl.Series([text for cell in special.values() for text in cell.texts], dtype=pl.String)]
        )
    spans = find(texts, kinds, ask(texts) if ask else None)
    if not spans:
        return {}
    parts: dict[int, Rewritten] = {}
    for number, places in spans.items():
        parts[number] = rewritten(texts[number], places, substitutes)
    written = {plain[number]: (part.text, [part]) for number, part in parts.items() if number < len(plain)}
    first = len(plain)
    for row, cell in special.items():
        numbers = range(first, first + len(cell.texts))
        first += len(cell.texts)
        if any(number in parts for number in numbers):
            own = [parts.get(number, Rewritten(texts[number], [])) for number in numbers]
            written[row] = (cell.rebuilt(own), own)
    return dict(sorted(written.items()))


def _special(frame: pl.DataFrame, column: str) -> dict[int, Cell]:
    """Return the cells of a column that are more than a text."""
    cells = frame[column]
    if column == "text" and "tags" in frame.columns:
        return {row: tagged_cell(cell) for row, cell in enumerate(cells.to_list()) if cell is not None}
    if column != "text":
        return {}
    found: dict[int, Cell] = {}
    maybe: Mapping[str, Callable[[str], Cell | None]] = {r"<e1[:>]": marked_cell}
    if "target_text" in frame.columns:
        maybe = {**maybe, r"^\s*\[": dialogue_cell}
    for pattern, read in maybe.items():
        rows = cells.str.contains(pattern).fill_null(False).arg_true().to_list()
        found |= {
            row: cell for row, text in zip(rows, cells.gather(rows).to_list()) if (cell := read(text)) is not None
        }
    return dict(sorted(found.items()))


def _with_answers(frame: pl.DataFrame, contexts: Mapping[int, Rewritten]) -> pl.DataFrame:
    answers = frame["answers"]
    cells = {row: moved_answers(answers[row], context) for row, context in contexts.items() if answers[row] is not None}
    return frame.with_columns(_scattered(answers, cells))


def _scattered(series: pl.Series, cells: Mapping[int, str]) -> pl.Series:
    return series.clone().scatter(list(cells), list(cells.values())) if cells else series


def _column(values: Mapping[int, str], height: int) -> pl.Series:
    empty = pl.Series([None], dtype=pl.String).new_from_index(0, height)
    return _scattered(empty, values) if values else empty
