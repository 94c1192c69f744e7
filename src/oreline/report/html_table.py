"""Tables of a report as HTML: aligned numbers, estimates with their intervals, long tables that scroll."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oreline.report import formatting
from oreline.report.markup import Markup, tag

MAX_ROWS = 1000
MAX_TEXT = 1200
LONG_TEXT = 40
TALL_ROWS = 16
"""Longer tables scroll under a fixed header on a screen; on paper they are whole."""
_FORMULA_START = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]*[\d.,\s\[\]%e+–−-]*")


@dataclass(frozen=True, slots=True)
class Column:
    """How the cells of one column are written."""

    name: str
    numeric: bool
    decimals: int | None
    verdict: bool


def table(entry: Mapping[str, Any]) -> Markup:
    """Return a table's JSON form as HTML, with its title as a heading."""
    columns, rows = entry["columns"], entry["rows"][:MAX_ROWS]
    values = [[row[index] for row in rows] for index in range(len(columns))]
    looks = [
        Column(str(name), formatting.is_numeric(cells), formatting.column_decimals(cells), formatting.is_verdict(cells))
        for name, cells in zip(columns, values, strict=True)
    ]
    head = tag("tr", *(tag("th", one.name, scope="col", class_="number" if one.numeric else None) for one in looks))
    body = [tag("tr", *(_cell(cell, one) for cell, one in zip(row, looks, strict=True))) for row in rows]
    # On a telephone, long texts and intervals beside other columns cannot be read: there, each row becomes a block.
    stacked = any(
        (isinstance(cell, str) and len(cell) > LONG_TEXT) or (len(columns) > 2 and formatting.is_estimate(cell))
        for row in rows
        for cell in row
    )
    grid = tag("table", tag("thead", head), tag("tbody", *body), class_="stack" if stacked else None)
    # A region that scrolls must be reachable by keyboard, and named.
    box = tag(
        "div",
        grid,
        class_="scroll tall" if len(rows) > TALL_ROWS else "scroll",
        tabindex="0",
        role="region",
        aria_label=formatting.clean(entry["title"]),
    )
    return tag("div", tag("h3", entry["title"], dir="auto"), box if rows else _no_rows(), _note(entry), class_="table")


def excel_safe(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run as a formula when the table is pasted there.

    >>> excel_safe("=1+1"), excel_safe("-0.5 %"), excel_safe("good")
    ("'=1+1", '-0.5 %', 'good')
    """
    dangerous = text.startswith(_FORMULA_START) and not _NUMBER.fullmatch(text)
    return f"'{text}" if dangerous else text


def _cell(value: Any, column: Column) -> Markup:
    if formatting.is_estimate(value):
        figure, interval, n = formatting.estimate(value)
        # One element, for the grid that a cell is on a telephone.
        whole = tag("div", tag("b", figure), " ", tag("small", interval), " ", tag("small", n))
        return tag("td", whole, class_="number estimate", data_name=column.name)
    if column.numeric:
        return tag("td", formatting.scalar(value, decimals=column.decimals), class_="number", data_name=column.name)
    text = formatting.scalar(value)
    if column.verdict and text in formatting.VERDICTS:
        return tag("td", text, class_=f"short {formatting.VERDICTS[text]}", data_name=column.name)
    more = len(text) - MAX_TEXT
    shown = f"{text[:MAX_TEXT]}… ({more:,} more characters)" if more > 0 else text
    return tag("td", tag("div", excel_safe(shown), dir="auto"), class_=_width_class(text), data_name=column.name)


def _width_class(text: str) -> str | None:
    """Keep names and row ids on one line; let long text have room and break anywhere."""
    return "short" if len(text) <= 24 and "\n" not in text else "long" if len(text) > LONG_TEXT else None


def _note(entry: Mapping[str, Any]) -> Markup:
    num_rows = len(entry["rows"])
    cut = f"{MAX_ROWS:,} of {num_rows:,} rows are shown; all are in the JSON." if num_rows > MAX_ROWS else ""
    text = " ".join(filter(None, (entry.get("note", ""), cut)))
    return tag("p", text, class_="note", dir="auto") if text else Markup("")


def _no_rows() -> Markup:
    return tag("p", "No rows.", class_="note")
