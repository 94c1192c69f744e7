"""Small things that every part of an evaluation report shows alike: cut texts, small counts, worst rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oreline.evaluate.table import Table, predicted_labels, true_labels
from oreline.report.report import Table as ReportTable

TINY_ROWS = 30
"""A slice or class with fewer rows is marked: its interval is too wide to act on."""
MAX_WORST = 20
MAX_TEXT = 200


def shorten(text: str, max_chars: int = MAX_TEXT) -> str:
    """Cut a text for a table, on one line.

    >>> shorten("one  two\\nthree", max_chars=9)
    'one two …'
    """
    line = " ".join(text[: 4 * max_chars].split())
    return line if len(line) <= max_chars and len(text) <= 4 * max_chars else line[: max_chars - 1].rstrip() + " …"


def flagged(
    columns: Sequence[str], rows: list[list[Any]], counts: Sequence[int]
) -> tuple[Sequence[str], list[list[Any]], str]:
    """Add a column that marks small counts, and its explanation; neither where there is nothing to mark."""
    if all(count >= TINY_ROWS for count in counts):
        return columns, rows, ""
    marked = [[*row, "few" if count < TINY_ROWS else ""] for row, count in zip(rows, counts)]
    return (*columns, ""), marked, f"; few: under {TINY_ROWS} rows, too few to act on"


def worst_rows(
    table: Table, order: np.ndarray[Any, np.dtype[np.int64]], last: tuple[str, Sequence[Any]], title: str, note: str
) -> ReportTable:
    """Return the first rows of an order with text, true and predicted answer.

    Args:
        table: the rows.
        order: their numbers, the worst first.
        last: name of the last column, and its value for each row of the table.
        title: of the table.
        note: below it.
    """
    name, values = last
    true, predicted = true_labels(table), predicted_labels(table)
    return ReportTable(
        title,
        ("row_id", "text", "true", "predicted", name),
        [
            [table.row_ids[row], *map(shorten, (table.texts[row], true[row], predicted[row])), values[row]]
            for row in order[:MAX_WORST]
        ],
        note=note,
    )
