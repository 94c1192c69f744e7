"""Write the splits of a Dataset as Parquet shards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.columnar import Closing, ParquetFile, compact

GROUP_ROWS, GROUP_BYTES = 8192, 64 << 20
"""Rows written at a time, fewer where texts are long. The rows alone decide, so that a dataset's bytes do not depend
on how its rows were framed."""
SHARD_ROWS = 65_536
SHARD_BYTES = 128 << 20
"""A reader holds one shard in memory: rows and bytes are both bounded."""


class SplitWriter(Closing):
    """Writes the shards of one split: `<split>/00000.parquet`, …"""

    def __init__(self, folder: Path, schema: Mapping[str, pl.DataType]) -> None:
        self._folder = folder
        self._folder.mkdir()
        self.schema = dict(schema)
        self._empty = pl.DataFrame(schema=self.schema)
        self._pending: list[pl.DataFrame] = []
        self._num_pending = self._bytes_pending = 0
        self._open: ParquetFile | None = None
        self._num_shards = self._shard_rows = self._shard_bytes = 0
        self.num_rows = 0

    def append(self, frame: pl.DataFrame) -> None:
        """Add rows."""
        self._pending.append(compact(frame))
        self._num_pending += frame.height
        self._bytes_pending += int(_text_bytes(frame).sum())
        self.num_rows += frame.height
        while self._num_pending >= GROUP_ROWS or self._bytes_pending >= GROUP_BYTES:
            self._write_group()

    def close(self) -> None:
        """Write what is pending; a split without rows gets one empty shard, which has the schema."""
        while self._num_pending or self._num_shards == 0:
            self._write_group()
        self._end_shard()

    def abandon(self) -> None:
        """Close the shard that is being written."""
        if self._open is not None:
            self._open.abandon()

    def _write_group(self) -> None:
        rows = pl.concat([self._empty, *self._pending]).rechunk()
        ends = np.cumsum(_text_bytes(rows))
        height = min(GROUP_ROWS, int(np.searchsorted(ends, GROUP_BYTES)) + 1, rows.height)
        group, rest = rows.head(height), rows.slice(height)
        self._pending, self._num_pending = [compact(rest)], rest.height
        self._bytes_pending -= int(ends[height - 1]) if height else 0
        if self._open is None:
            file = self._folder / f"{self._num_shards:05d}.parquet"
            self._open = ParquetFile(file, self._empty.to_arrow().schema, compression="zstd")
            self._num_shards += 1
        self._open.write(group)
        self._shard_rows += group.height
        self._shard_bytes += int(group.estimated_size())
        if self._shard_rows >= SHARD_ROWS or self._shard_bytes >= SHARD_BYTES:
            self._end_shard()

    def _end_shard(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
        self._shard_rows = self._shard_bytes = 0


def _text_bytes(rows: pl.DataFrame) -> NDArray[np.int64]:
    """Return the bytes of the texts of each row."""
    texts = [pl.col(name).str.len_bytes().fill_null(0) for name, dtype in rows.schema.items() if dtype == pl.String]
    sizes = rows.select(pl.sum_horizontal(texts)).to_series() if texts else pl.Series(np.zeros(rows.height))
    return sizes.cast(pl.Int64).to_numpy()
