"""The ledger: one line for every row that was dropped, changed or added, and why. Its sums balance.

rows_in + rows_added = rows_out + rows_dropped

A row that an operator only reports (`flagged`) stays, and counts nowhere in that sum.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from oreline.data.columnar import Closing, ParquetFile
from oreline.errors import OrelineError

ACTIONS = ("dropped", "changed", "added", "flagged")
_COLUMNS = {**dict.fromkeys(("row_id", "operator", "action", "reason", "kept_id"), "string"), "similarity": "double"}
SCHEMA = pa.schema(list(_COLUMNS.items()))
CHANGE_REASON = "change_reason"
"""Column in which an operator's `edit` may say what it changed in a row; the ledger takes it, the data do not."""


class Ledger(Closing):
    """Writes `ledger.parquet` while rows stream by, and counts."""

    def __init__(self, file: Path) -> None:
        self._file = ParquetFile(file, SCHEMA, compression="zstd")
        self.reasons: Counter[tuple[str, str, str]] = Counter()
        """Rows by (operator, action, reason)."""
        self.rows_in: Counter[str] = Counter()
        """Rows read, by source."""
        self.dropped_of: Counter[str] = Counter()
        """Rows dropped, by source."""
        self.found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """What operators that see all rows counted beside the rows they dropped, by operator."""
        self.alarms: list[str] = []
        """What of it deserves a warning."""
        self.examples: list[list[Any]] = []
        """Rows that gave way to others, and these."""

    def read(self, row_ids: pl.Series) -> None:
        """Count rows that came in."""
        _count_sources(row_ids, self.rows_in)

    def write(self, operator: str, action: str, entries: pl.DataFrame) -> None:
        """Record entries with the columns `row_id`, `reason` and, where a row gave way to another, `kept_id`.

        `similarity` says how alike the two are, where they are not equal.
        """
        if entries.is_empty():
            return
        kept, similarity = (
            pl.col(name) if name in entries.columns else pl.lit(None) for name in ("kept_id", "similarity")
        )
        lines = entries.select(
            pl.col("row_id").cast(pl.String),
            pl.lit(operator).alias("operator"),
            pl.lit(action).alias("action"),
            pl.col("reason").cast(pl.String),
            kept.cast(pl.String).alias("kept_id"),
            similarity.cast(pl.Float64).alias("similarity"),
        )
        self._file.write(lines)
        for reason, rows in lines["reason"].value_counts().iter_rows():
            self.reasons[operator, action, reason] += rows
        if action == "dropped":
            _count_sources(lines["row_id"], self.dropped_of)

    def note(self, operator: str, findings: Mapping[str, Any]) -> None:
        """Keep what an operator found beside its drops: `{"counts": {what: number}, "alarms": [sentence, …]}`.

        `examples`, where there are any: `[row, the row it gives way to, similarity, text, text]` each.
        """
        self.found[operator].update(findings["counts"])
        self.alarms.extend(findings["alarms"])
        self.examples.extend([operator, *example] for example in findings.get("examples", ()))

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
        self._file.close()

    def abandon(self) -> None:
        """Close the file."""
        self._file.abandon()


def source_of(column: str = "row_id") -> pl.Expr:
    """Return the source part of row ids: `reviews.csv:7` → `reviews.csv`."""
    return pl.col(column).str.replace(r":\d+$", "")


def _count_sources(row_ids: pl.Series, counter: Counter[str]) -> None:
    counts = row_ids.to_frame("row_id").select(source_of()).to_series().value_counts()
    for source, rows in counts.iter_rows():
        counter[source] += rows
