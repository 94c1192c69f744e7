"""Reports as text for a terminal. rich measures double-width characters, so Chinese columns align."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from oreline.report import formatting
from oreline.report.charts.figure import is_empty

TEXT_WIDTH = 80
STACKED_WIDTH = 60
"""Under this width, even a block for each row has its estimates on two lines."""
MAX_ROWS = 20
MAX_CELL = 320
MIN_TEXT_WIDTH = 12
"""Text columns are not folded more tightly than this; the table changes its layout first."""
MAX_NAME = 24
MAX_ID = 36
"""Single words up to this width, such as a UUID, are kept whole where there is room."""
MAX_BARS = 12
MAX_MATRIX = 8
BRIEF_LINES = 60
BRIEF_ROWS = 10
BRIEF_RECORDS = 3
"""What `brief` shows: lines of all tables together, rows of a table, and rows of one that has little room."""
_BLOCKS = "▁▂▃▄▅▆▇█"
_SPARK_WIDTH = 32
_STYLES = {"good": "bold green", "bad": "bold red", "unsure": "bold yellow"}


def text(document: Mapping[str, Any], *, width: int = TEXT_WIDTH, rest: str = "") -> str:
    """Return a report as plain text of at most `width` columns, without colour: in `brief` where `rest` is given."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, color_system=None, highlight=False, emoji=False, markup=False)
    if rest:
        brief(document, console, rest=rest)
    else:
        show(document, console)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def show(document: Mapping[str, Any], console: Console) -> None:
    """Print a report to a console, as wide as the console is."""
    for part in _head(document):
        console.print(part)
    for entry in (*_chart_tables(document["charts"]), *document["tables"]):
        console.print(Text())
        console.print(_table(entry, console))


def brief(document: Mapping[str, Any], console: Console, *, rest: str = "") -> None:
    """Print what is read first: figures, facts, and tables until they fill a screen or two; the others by name.

    Args:
        document: JSON form of a report.
        console: Where to; nothing is wider than it.
        rest: Where the others can be seen, such as a page.
    """
    for part in _head(document):
        console.print(part)
    left, titles = BRIEF_LINES, []
    for entry in (*document["tables"], *_chart_tables(document["charts"])):
        for max_rows in (BRIEF_ROWS, BRIEF_RECORDS):
            with console.capture() as capture:
                console.print(Text())
                console.print(_table(entry, console, max_rows=max_rows, max_records=BRIEF_RECORDS))
            if (height := capture.get().count("\n")) <= left:
                console.file.write(capture.get())
                left -= height
                break
        else:
            titles.append(formatting.clean(entry["title"]))
    if titles:
        console.print(Text(f"\nNot shown here: {'; '.join(titles)}{f' ({rest})' if rest else ''}", style="dim"))


def _head(document: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield Text(formatting.clean(document["title"]), style="bold")
    if document["subject"]:
        yield _pairs(document["subject"])
    for warning in document["warnings"]:
        yield Text(f"! {formatting.clean(warning)}", style="yellow")
    if document["metrics"]:
        yield Text()
        yield _metrics(document["metrics"], formatting.clean(document["subject"].get("split", "")))
    if document["facts"]:
        yield Text()
        yield _pairs(document["facts"])


def _pairs(values: Mapping[str, Any]) -> RenderableType:
    return Padding(_name_value_grid((fact.name, fact.value) for fact in formatting.facts(values)), (0, 0, 0, 2))


def _name_value_grid(pairs: Iterable[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", overflow="fold", max_width=28)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(
            Text(formatting.clean(name, limit=MAX_CELL)),
            Text(formatting.short(formatting.clean(value, limit=2 * MAX_CELL)), style=_style(value)),
        )
    return grid


def _metrics(metrics: Mapping[str, Any], split: str) -> RenderableType:
    table = _frame()
    for name in ("", "value", "interval", "n"):
        table.add_column(name, justify="left" if not name else "right", no_wrap=bool(name), overflow="fold")
    for name, entry in metrics.items():
        value, interval, n = formatting.estimate(entry)
        table.add_row(Text(formatting.title(name)), Text(value, style="bold"), Text(interval), Text(n[4:]))
    return _framed("", table, "95 % intervals; n: rows behind the figure" + (f"; split: {split}" if split else ""))


def _table(
    entry: Mapping[str, Any], console: Console, *, max_rows: int = MAX_ROWS, max_records: int = MAX_ROWS
) -> RenderableType:
    """Return the widest layout that fits: estimates on one line, on two, or one block for each row."""
    shown = _cut(entry, max_rows)
    for stacked in (False, True):
        columns = [_Column.of(shown, index, stacked=stacked) for index in range(len(entry["columns"]))]
        room = console.width - 3 * (len(columns) - 1)
        if sum(column.least for column in columns) <= room:
            return _framed(entry["title"], _grid(columns, room), shown["note"])
    return _records(_cut(entry, max_records), stacked=console.width < STACKED_WIDTH)


def _cut(entry: Mapping[str, Any], max_rows: int) -> dict[str, Any]:
    """Return a table's first rows, and in its note how many there are."""
    num_rows = len(entry["rows"])
    said = f"{max_rows:,} of {num_rows:,} rows are shown: --json has all of them" if num_rows > max_rows else ""
    note = " · ".join(filter(None, (formatting.clean(entry.get("note", "")), said)))
    return {**entry, "rows": entry["rows"][:max_rows], "note": note}


@dataclass(frozen=True, slots=True)
class _Column:
    """Written cells and the widths that suit them."""

    name: str
    cells: list[str]
    numeric: bool
    least: int
    natural: int
    is_one_word: bool
    is_verdict: bool

    @classmethod
    def of(cls, entry: Mapping[str, Any], index: int, *, stacked: bool) -> _Column:
        values = [row[index] for row in entry["rows"]]
        name, numeric = formatting.clean(entry["columns"][index], limit=MAX_NAME), formatting.is_numeric(values)
        decimals = formatting.column_decimals(values)
        cells = [_cell(value, decimals=decimals, stacked=stacked) for value in values]
        widest = max((cell_len(line) for cell in cells for line in cell.split("\n")), default=0)
        word = min(max(map(cell_len, name.split()), default=1), MIN_TEXT_WIDTH)
        least = max(word, widest if numeric else min(widest, MIN_TEXT_WIDTH))
        is_one_word = widest <= MAX_ID and not any(" " in cell for cell in cells)
        natural = max(least, widest, cell_len(name))
        return cls(name, cells, numeric, least, natural, is_one_word, formatting.is_verdict(values))


def _grid(columns: Sequence[_Column], room: int) -> Table:
    """Return a table with every width set: left to itself, rich drops columns that do not fit."""
    table = _frame()
    for column, width in zip(columns, _widths(columns, room), strict=True):
        justify: Literal["left", "right"] = "right" if column.numeric else "left"
        table.add_column(Text(column.name), justify=justify, overflow="fold", width=width)
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(
            *(Text(cell, style=_style(cell) if column.is_verdict else "") for cell, column in zip(row, columns))
        )
    return table


def _widths(columns: Sequence[_Column], room: int) -> list[int]:
    """Share the room: every column gets its least, then those that want little more are satisfied first."""
    widths = {index: column.least for index, column in enumerate(columns)}
    spare = room - sum(widths.values())
    wanting = sorted(range(len(columns)), key=lambda index: columns[index].natural - columns[index].least)
    for index in wanting:
        # A label or a row's id that is broken cannot be read or copied; text can be folded.
        if columns[index].is_one_word:
            extra = min(columns[index].natural - columns[index].least, spare)
            widths[index] += extra
            spare -= extra
    wanting = [index for index in wanting if not columns[index].is_one_word]
    for place, index in enumerate(wanting):
        extra = min(columns[index].natural - columns[index].least, spare // (len(wanting) - place))
        widths[index] += extra
        spare -= extra
    return list(widths.values())


def _records(entry: Mapping[str, Any], *, stacked: bool) -> RenderableType:
    parts: list[RenderableType] = []
    for row in entry["rows"]:
        cells = [_cell(value, decimals=None, stacked=stacked) for value in row]
        parts += [Rule(style="dim"), _name_value_grid(zip(entry["columns"], cells, strict=True))]
    return _framed(entry["title"], Group(*parts), entry["note"])


def _style(value: str) -> str:
    return _STYLES[formatting.VERDICTS[value]] if value in formatting.VERDICTS else ""


def _framed(title: str, table: RenderableType, note: str) -> RenderableType:
    # Not the table's own title and caption: those would be folded to the width of the table.
    above = [Text(formatting.clean(title), style="bold")] if title else []
    return Group(*above, table, *([Text(note, style="dim")] if note else []))


def _cell(value: Any, *, decimals: int | None, stacked: bool = False) -> str:
    if formatting.is_estimate(value):
        figure, interval, n = formatting.estimate(value)
        return f"{figure} {n}\n{interval}" if stacked else f"{figure} {interval} {n}"
    return " ".join(formatting.clean(formatting.scalar(value, decimals=decimals), limit=MAX_CELL).split())


def _frame() -> Table:
    return Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1),
    )


# --- pictures -----------------------------------------------------------------------------------------------


def _chart_tables(charts: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Turn the pictures that a terminal can show into small tables; the others are on the page only."""
    for chart in charts:
        kind, data = chart["kind"], chart["data"]
        labels = data.get("labels", ())
        if is_empty(kind, data):
            continue
        columns: list[str] = []
        rows: list[list[Any]] = []
        if kind == "bars" and len(labels) <= MAX_BARS:
            columns = ["", *data["series"]]
            rows = [[label, *(values[i] for values in data["series"].values())] for i, label in enumerate(labels)]
        elif kind == "matrix" and len(labels) <= MAX_MATRIX:
            columns = ["true \\ predicted", *labels]
            rows = [[label, *counts] for label, counts in zip(labels, data["values"], strict=True)]
        elif kind in ("lines", "histogram"):
            columns, rows = _sparks(data, ends=kind == "lines")
        if rows and all(cell_len(str(name)) <= MAX_NAME for name in columns):
            yield {"title": chart["title"], "columns": columns, "rows": rows, "note": chart.get("note", "")}


def _sparks(data: Mapping[str, Any], *, ends: bool) -> tuple[list[str], list[list[Any]]]:
    rows = []
    for name, values in data["y" if ends else "series"].items():
        if known := [float(value) for value in values if value is not None]:
            rows.append([name, _spark(known), *([known[0], known[-1]] if ends else [])])
    if ends:
        return ["", "", "first", "last"], rows
    first, last = (formatting.number(data["edges"][end]) for end in (0, -1))
    return ["", f"{first} to {last}"], rows


def _spark(values: Sequence[float]) -> str:
    """Draw values as one line of blocks, thinned to the width by taking means.

    >>> _spark([0.0, 1.0, 2.0, 3.0])
    '▁▃▆█'
    """
    groups = min(len(values), _SPARK_WIDTH)
    cuts = [round(index * len(values) / groups) for index in range(groups + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(cuts)]
    low, span = min(means), (max(means) - min(means)) or 1.0
    return "".join(_BLOCKS[min(int((mean - low) / span * len(_BLOCKS)), len(_BLOCKS) - 1)] for mean in means)
