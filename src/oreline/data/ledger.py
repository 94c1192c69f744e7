"""The ledger: one line for every row that was dropped, changed or added, and why. Its sums balance.

rows_in + rows_added = rows_out + rows_dropped

A row that an operator only reports (`flagged`) stays, and counts nowhere in that sum.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from oreline.data.columnar import Closing, ParquetFile, compact
from oreline.errors import OrelineError
from oreline.report.report import Table

ACTIONS = ("dropped", "changed", "added", "flagged")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("row_id", "operator", "action", "reason", "kept_id")),
        ("similarity", pa.float64()),
    ]
)
_GROUP_LINES = 8192
"""Written at a time: what a Parquet file says of each group of lines is held until its end."""
MAX_REASONS = 10_000
OTHER_REASONS = "(other reasons)"
"""What further reasons are counted as where there are more than that: a free text is no reason."""
MAX_SOURCES = 10_000
OTHER_SOURCES = "(other sources)"
"""What further sources are counted as: where each row is a document of its own, they are as many as the rows."""
_EMPTY = pl.DataFrame(schema={**dict.fromkeys(SCHEMA.names, pl.String), "similarity": pl.Float64})
CHANGE_REASON = "change_reason"
"""Column in which an operator's `edit` may say what it changed in a row; the ledger takes it, the data do not."""
DROP_REASON, FLAG_REASON = "drop_reason", "flag_reason"
"""Likewise why a row is to be dropped, or what is only said of it."""


class Notes:
    """Ledger lines of one frame of rows, in the order in which they came, to be taken into the ledger with its rows."""

    def __init__(self, lines: pl.DataFrame | None = None) -> None:
        self.rows_in: Counter[str] = Counter()
        """Rows read, by source."""
        self.spent_s: defaultdict[str, float] = defaultdict(float)
        """Processor seconds that operators took for these rows, wherever they ran."""
        self.elsewhere_s = 0.0
        """Those of them that other processes spent."""
        self.rows_given: Counter[str] = Counter()
        """Rows that operators were given."""
        self._lines: list[pl.DataFrame] = [] if lines is None else [lines]

    def read(self, row_ids: pl.Series) -> None:
        """Count rows that came in."""
        self.rows_in.update(_by_source(row_ids))

    def write(self, operator: str, action: str, entries: pl.DataFrame) -> None:
        """Note entries with the columns `row_id`, `reason` and, where a row gave way to another, `kept_id`.

        `similarity` says how alike the two are, where they are not equal.
        """
        if not entries.is_empty():
            self._lines.append(_lines(operator, action, entries))

    def add(self, other: Notes) -> None:
        """Note what others noted of the same rows."""
        self.rows_in.update(other.rows_in)
        for operator, seconds in other.spent_s.items():
            self.spent_s[operator] += seconds
        self.elsewhere_s += other.elsewhere_s
        self.rows_given.update(other.rows_given)
        self._lines += other._lines

    @contextlib.contextmanager
    def timing(self, operator: str, rows: int) -> Iterator[None]:
        """Count the processor seconds of a block as an operator's, which was given so many rows."""
        begun = time.process_time()
        try:
            yield
        finally:
            self.spent_s[operator] += time.process_time() - begun
            self.rows_given[operator] += rows

    def lines(self) -> pl.DataFrame:
        """Return the lines: `row_id`, `operator`, `action`, `reason`, `kept_id`, `similarity`."""
        return pl.concat([_EMPTY, *self._lines])


class Ledger(Closing):
    """Writes `ledger.parquet` while rows stream by, and counts."""

    def __init__(self, file: Path) -> None:
        self._file = ParquetFile(file, SCHEMA, compression="zstd")
        self._pending: list[pl.DataFrame] = []
        self._num_pending = 0
        self.reasons: Counter[tuple[str, str, str]] = Counter()
        """Rows by (operator, action, reason)."""
        self.rows_in: Counter[str] = Counter()
        """Rows read, by source; those of sources beyond `MAX_SOURCES` as `OTHER_SOURCES`, as in what follows."""
        self.dropped_of: Counter[str] = Counter()
        """Rows dropped, by source."""
        self.added_of: Counter[str] = Counter()
        """Rows added, by source."""
        self.found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """What operators that see all rows counted beside the rows they dropped, by operator."""
        self.alarms: list[str] = []
        """What of it deserves a warning."""
        self.examples: list[list[Any]] = []
        """Rows that gave way to others, and these."""
        self.tables: list[Table] = []
        """What of it is a table of its own."""

    def read(self, row_ids: pl.Series) -> None:
        """Count rows that came in."""
        self.came_in(_by_source(row_ids))

    def came_in(self, rows_of: Mapping[str, int]) -> None:
        """Count rows that came in, told by source. Lines about them are recorded after that."""
        for source, rows in rows_of.items():
            num_named = len(self.rows_in) - (OTHER_SOURCES in self.rows_in)
            is_counted = num_named < MAX_SOURCES or source in self.rows_in
            self.rows_in[source if is_counted else OTHER_SOURCES] += rows

    def write(self, operator: str, action: str, entries: pl.DataFrame) -> None:
        """Record entries with the columns `row_id`, `reason` and, where a row gave way to another, `kept_id`.

        `similarity` says how alike the two are, where they are not equal.
        """
        if not entries.is_empty():
            self.append(_lines(operator, action, entries))

    def take(self, notes: Notes) -> None:
        """Record what was noted of a frame."""
        self.came_in(notes.rows_in)
        self.append(notes.lines())

    def append(self, lines: pl.DataFrame) -> None:
        """Record lines in the ledger's own form."""
        if lines.is_empty():
            return
        is_few = lines.height < _GROUP_LINES
        self._pending.append(compact(lines) if is_few else lines)
        self._num_pending += lines.height
        if self._num_pending >= _GROUP_LINES:
            self._write_pending()
        counts = lines.group_by("operator", "action", "reason", maintain_order=True).len()
        for operator, action, reason, rows in counts.iter_rows():
            is_counted = len(self.reasons) < MAX_REASONS or (operator, action, reason) in self.reasons
            self.reasons[operator, action, reason if is_counted else OTHER_REASONS] += rows
        for action, counter in (("dropped", self.dropped_of), ("added", self.added_of)):
            for source, rows in _by_source(lines.filter(pl.col("action") == action)["row_id"]).items():
                counter[source if source in self.rows_in else OTHER_SOURCES] += rows

    def note(self, operator: str, findings: Mapping[str, Any]) -> None:
        """Keep what an operator found beside its drops: `{"counts": {what: number}, "alarms": [sentence, …]}`.

        `examples`, where there are any: `[row, the row it gives way to, similarity, text, text]` each; `tables`: title,
        columns, rows and note of each.
        """
        self.found[operator].update(findings["counts"])
        self.alarms.extend(findings["alarms"])
        self.examples.extend([operator, *example] for example in findings.get("examples", ()))
        self.tables.extend(Table(**table) for table in findings.get("tables", ()))

    @contextlib.contextmanager
    def naming(self, part: str) -> Iterator[None]:
        """Name a part of the data in the titles of the tables that operators make of it meanwhile."""
        before = len(self.tables)
        yield
        if part:
            self.tables[before:] = [replace(table, title=f"{table.title}: {part}") for table in self.tables[before:]]

    def total(self, action: str) -> int:
        """Return the number of rows with an action."""
        return sum(rows for (_, done, _), rows in self.reasons.items() if done == action)

    def balance(self, rows_out: int) -> dict[str, int]:
        """Return the counts of the manifest. Raises `OrelineError` when rows have vanished or appeared unrecorded."""
        counts = {
            "rows_in": self.rows_in.total(),
            "rows_added": self.total("added"),
            "rows_dropped": self.total("dropped"),
            "rows_out": rows_out,
        }
        gap = counts["rows_in"] + counts["rows_added"] - counts["rows_dropped"] - rows_out
        if gap:
            raise OrelineError(
                f"the ledger does not balance: {abs(gap)} rows {'vanished' if gap > 0 else 'appeared'} unrecorded",
                where=", ".join(f"{name} {rows}" for name, rows in counts.items()),
                remedy="this is a mistake in an operator or in Oreline; please report it with the recipe",
            )
        return counts

    def close(self) -> None:
        """Write what is pending."""
        with self._file:  # it is closed too where the disk is full
            self._write_pending()

    def _write_pending(self) -> None:
        if self._pending:
            self._file.write(pl.concat(self._pending))
        self._pending, self._num_pending = [], 0

    def abandon(self) -> None:
        """Close the file."""
        self._file.abandon()


def source_of(column: str = "row_id") -> pl.Expr:
    """Return the source part of row ids, added ones too: `reviews.csv:7`, `reviews.csv:7+swap.1` → `reviews.csv`."""
    return pl.col(column).str.replace(r":\d+(?:\+[\w.]+)*$", "")


def _lines(operator: str, action: str, entries: pl.DataFrame) -> pl.DataFrame:
    kept, similarity = (pl.col(name) if name in entries.columns else pl.lit(None) for name in ("kept_id", "similarity"))
    return entries.select(
        pl.col("row_id").cast(pl.String),
        pl.lit(operator).alias("operator"),
        pl.lit(action).alias("action"),
        pl.col("reason").cast(pl.String),
        kept.cast(pl.String).alias("kept_id"),
        similarity.cast(pl.Float64).alias("similarity"),
    )


def _by_source(row_ids: pl.Series) -> dict[str, int]:
    """Return how many rows there are of each source, in the order in which they come."""
    return dict(row_ids.to_frame("row_id").group_by(source_of(), maintain_order=True).len().iter_rows())
