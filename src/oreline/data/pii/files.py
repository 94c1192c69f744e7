"""`pii.parquet`: a line for each value that was found, without the value, beside the ledger of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from oreline.data.columnar import Closing, ParquetFile
from oreline.report.report import Table

SPANS = "pii_spans"
"""Column in which `mask_pii` says what it did in a row; `refine` takes it out of the rows that it writes."""
FILE = "pii.parquet"
_WHOLE = ("start", "end", "new_start", "new_end")
_LINE = pl.List(
    pl.Struct(
        {
            "column": pl.String,
            "part": pl.Int64,
            "kind": pl.String,
            "action": pl.String,
            **dict.fromkeys(_WHOLE, pl.Int64),
            "sealed": pl.String,
        }
    )
)
COLUMNS = ("row_id", "split", "column", "part", "kind", "action", *_WHOLE, "sealed")


def _schema() -> pa.Schema:
    return pa.schema([(name, pa.int64() if name in ("part", *_WHOLE) else pa.string()) for name in COLUMNS])


class Finds(Closing):
    """Writes `pii.parquet` while rows are written into their splits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: ParquetFile | None = None

    def taken(self, split: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows without the column of spans, and write these."""
        if SPANS not in rows.columns:
            return rows
        lines = rows.select("row_id", SPANS).drop_nulls()
        if lines.height:
            if self._file is None:
                self._file = ParquetFile(self._folder / FILE, _schema(), compression="zstd")
            parsed = lines.with_columns(pl.col(SPANS).str.json_decode(_LINE)).explode(SPANS).unnest(SPANS)
            self._file.write(parsed.with_columns(pl.lit(split).alias("split")).select(COLUMNS))
        return rows.drop(SPANS)

    def close(self) -> None:
        """Write what is pending."""
        if self._file is not None:
            self._file.close()

    def abandon(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.abandon()


def finds_table(folder: Path) -> list[Table]:
    """Return a table of what was found in a dataset, by kind and action; none where nothing was."""
    if not (folder / FILE).is_file():
        return []
    lines = pl.scan_parquet(folder / FILE).group_by("kind", "action", "split").len().collect(engine="streaming")
    splits = sorted(lines["split"].unique())
    counts = {(kind, action, split): number for kind, action, split, number in lines.iter_rows()}
    named = sorted({(kind, action) for kind, action, _ in counts})
    rows: list[list[Any]] = [[*name, *(counts.get((*name, split), 0) for split in splits)] for name in named]
    note = (
        f"Values, not rows; those of rows that were dropped are not counted. {FILE} has their places, not themselves."
    )
    return [Table("Private data", ["kind", "action", *splits], rows, note)]
