"""The ledger: one line for every row that was dropped, changed or added, and why. Its sums balance.

rows_in + rows_added = rows_out + rows_dropped
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pyarrow as pa

from oreline.data.columnar import Closing, ParquetFile
from oreline.errors import OrelineError

ACTIONS = ("dropped", "changed", "added", "flagged")
SCHEMA = pa.schema([(name, pa.string()) for name in ("row_id", "operator", "action", "reason", "kept_id")])
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

    def read(self, row_ids: pl.Series) -> None:
        """Count rows that came in."""
        _count_sources(row_ids, self.rows_in)

    def write(self, operator: str, action: str, entries: pl.DataFrame) -> None:
        """Record entries with the columns `row_id`, `reason` and, where a row gave way to another, `kept_id`."""
        if entries.is_empty():
            return
        kept = pl.col("kept_id") if "kept_id" in entries.columns else pl.lit(None)
        lines = entries.select(
            pl.col("row_id").cast(pl.String),
            pl.lit(operator).alias("operator"),
            pl.lit(action).alias("action"),
            pl.col("reason").cast(pl.String),
            kept.cast(pl.String).alias("kept_id"),
        )
        self._file.write(lines)
        for reason, rows in lines["reason"].value_counts().iter_rows():
            self.reasons[operator, action, reason] += rows
        if action == "dropped":
            _count_sources(lines["row_id"], self.dropped_of)

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
