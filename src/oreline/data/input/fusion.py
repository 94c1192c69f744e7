"""What several sources have in common: texts that occur in more than one, and labels that disagree about them.

Shape suffixes: N rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from oreline.data.columnar import ParquetFile, row_groups
from oreline.data.external.spool import Spool
from oreline.data.fold import INPUT_ROLES, wide_hashes
from oreline.report.report import Table

_ROOM = 1 << 18
"""Rows that are compared together; of more of them, those with hashes that begin alike."""
_BUCKETS = 64
_HASH_BITS = 64
_BLOCK = 1 << 14
_COLUMNS = ("text", "label", "source")

OVERLAP = "Overlap of the sources"
"""Title of the table."""

U64 = NDArray[np.uint64]


class Fusion:
    """Collects hashes of the texts and labels of each source, 24 bytes a row, beyond a bound on disk."""

    def __init__(self) -> None:
        self._rows = _Rows()
        self._names: dict[str, int] = {}
        self._found: pl.DataFrame | None = None

    def add(self, name: str, frame: pl.DataFrame) -> None:
        """Take in rows of a source, columns named by role."""
        inputs = [role for role in INPUT_ROLES if role in frame.columns]
        if not inputs or not frame.height:
            return
        text = wide_hashes(frame, inputs)["hash_high"]
        label = frame["label"] if "label" in frame.columns else pl.Series([None] * frame.height, dtype=pl.String)
        self._take(name, text.to_numpy(), label.hash().to_numpy())

    def write(self, file: Path) -> None:
        """Write what was collected; nothing where there is none."""
        if not self._rows.num_rows:
            return
        names = pl.Series("name", list(self._names), dtype=pl.String)
        schema = pa.schema([("text", pa.uint64()), ("label", pa.uint64()), ("name", pa.string())])
        with ParquetFile(file, schema, compression="lz4", is_passing=True) as parquet:
            for rows in self._rows.blocks():
                source = names.gather(pl.Series(rows[:, 2]))
                parquet.write(pl.DataFrame({"text": rows[:, 0], "label": rows[:, 1], "name": source}))

    def read(self, file: Path) -> None:
        """Take in what another one wrote, if it wrote anything."""
        if not file.is_file():
            return
        for rows in row_groups(file):
            for (name,), own in rows.group_by("name", maintain_order=True):
                self._take(str(name), own["text"].to_numpy(), own["label"].to_numpy())

    def _take(self, name: str, text_N: U64, label_N: U64) -> None:
        number = self._names.setdefault(name, len(self._names))
        self._rows.append(np.stack([text_N, label_N, np.full(len(text_N), number, np.uint64)], axis=1))
        self._found = None

    def pairs(self) -> pl.DataFrame:
        """Return `first`, `second`, `shared` (texts in both) and `conflicts` (of these, with no label in common)."""
        if self._found is None:
            self._found = self._counted()
        return self._found

    def _counted(self) -> pl.DataFrame:
        schema = {"first": pl.String, "second": pl.String, "shared": pl.Int64, "conflicts": pl.Int64}
        if len(self._names) < 2:
            return pl.DataFrame(schema=schema)
        counts = [_shared(rows) for rows in self._rows.alike()]
        total = pl.concat(counts).group_by("source", "other").sum().sort("source", "other")
        names = list(self._names)
        rows = [(names[a], names[b], shared, shared - agreeing) for a, b, shared, agreeing in total.iter_rows()]
        return pl.DataFrame(rows, schema=schema, orient="row")

    def tables(self) -> list[Table]:
        """Return the table of the report; none where there are no two sources."""
        if len(self._names) < 2:
            return []
        rows = [list(row) for row in self.pairs().iter_rows()]
        note = "As read, before any operator." if rows else "No text is in two of the sources."
        columns = ["source", "other source", "texts in both", "of these, labels differ"]
        return [Table(OVERLAP, columns, rows, note)]

    def warnings(self) -> list[str]:
        """Say where sources contradict one another."""
        return [
            f"{conflicts:,} of {shared:,} texts that are in {first} and in {second} have different labels"
            for first, second, shared, conflicts in self.pairs().iter_rows()
            if conflicts
        ]


class _Rows:
    """Rows of three numbers, that of the text first.

    Args:
        depth: how often they were divided by the beginning of that number.
    """

    def __init__(self, depth: int = 0) -> None:
        self._depth = depth
        self._numbers = Spool(np.uint64, max_bytes=8 * len(_COLUMNS) * _ROOM if depth == 0 else 0)
        self.num_rows = 0

    def append(self, rows_N3: U64) -> None:
        self._numbers.append(rows_N3.reshape(-1))
        self.num_rows += len(rows_N3)

    def blocks(self) -> Iterator[U64]:
        """Yield the rows, some at a time."""
        width = len(_COLUMNS)
        for low in range(0, self.num_rows, _BLOCK):
            count = min(_BLOCK, self.num_rows - low)
            yield self._numbers.part(width * low, width * count).reshape(-1, width)

    def alike(self) -> Iterator[U64]:
        """Yield the rows, those of one text together, as many at a time as there is room for."""
        if self.num_rows <= _ROOM or not (shift := _HASH_BITS - (self._depth + 1) * (_BUCKETS.bit_length() - 1)) > 0:
            yield np.concatenate([np.zeros((0, len(_COLUMNS)), np.uint64), *self.blocks()])
            return
        buckets = [_Rows(self._depth + 1) for _ in range(_BUCKETS)]
        for rows_N3 in self.blocks():
            different = pl.DataFrame(rows_N3, schema=_COLUMNS).unique().to_numpy()
            bucket_N = (different[:, 0] >> np.uint64(shift)) % _BUCKETS
            for number in np.unique(bucket_N).tolist():
                buckets[number].append(different[bucket_N == number])
        while buckets:
            yield from buckets.pop().alike()


def _shared(rows_N3: U64) -> pl.DataFrame:
    """Return how many texts each two sources share, and how many of them with a label in common."""
    different = pl.DataFrame(rows_N3, schema=list(_COLUMNS)).unique()
    both = ["source", "other"]
    shared = _pairs(different.select("text", "source").unique(), "text").group_by(both).len("shared")
    agreeing = _pairs(different, "text", "label").select("text", *both).unique().group_by(both).len("agreeing")
    counts = shared.join(agreeing, on=both, how="left").with_columns(pl.col("agreeing").fill_null(0))
    return counts.with_columns(pl.col("shared", "agreeing").cast(pl.Int64))


def _pairs(rows: pl.DataFrame, *same: str) -> pl.DataFrame:
    """Return a row for each two sources that have a text, or a text with a label, in common."""
    several = rows.filter(pl.len().over(same) > 1)
    return several.join(several.rename({"source": "other"}), on=same).filter(pl.col("source") < pl.col("other"))
