"""Parquet files written a frame at a time, closed in every case."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

GROUP_BYTES = 1 << 20
FRAME_BYTES = 4 << 20
"""Rows that are worked on together take about this at most: what operators hold beside them is a multiple of it."""
_NUMBER_BYTES = 8


def compact(frame: pl.DataFrame) -> pl.DataFrame:
    """Copy a frame's strings, so that it holds those of its own rows only.

    Strings in Polars are views: a filtered or sliced frame keeps every buffer of the frame that it came from. Frames
    that are kept while others stream past would hold the whole file.
    """
    plain = pl.CompatLevel.oldest()
    strings = [column for column in frame.get_columns() if column.dtype == pl.String]
    return frame.with_columns(pl.Series(column.name, column.to_arrow(compat_level=plain)) for column in strings)


def row_groups(file: Path, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
    """Yield a Parquet file by its row groups, small ones together; columns that it does not have are left out."""
    with pyarrow.parquet.ParquetFile(file) as parquet:
        there = parquet.schema_arrow.names
        wanted = None if columns is None else [name for name in columns if name in there]
        groups: list[int] = []
        held = 0
        for group in range(parquet.num_row_groups):  # `iter_batches` would hold the whole file
            size = parquet.metadata.row_group(group).total_byte_size
            if groups and held + size > FRAME_BYTES:
                yield pl.DataFrame(parquet.read_row_groups(groups, columns=wanted, use_threads=False))
                groups, held = [], 0
            groups.append(group)
            held += size
        if groups:
            yield pl.DataFrame(parquet.read_row_groups(groups, columns=wanted, use_threads=False))


def frames_of(scan: pl.LazyFrame, rows: int = 8192) -> Iterator[pl.DataFrame]:
    """Yield what a scan reads in order, in frames of at most so many rows and, of long ones, of about `FRAME_BYTES`.

    `collect_batches(chunk_size=rows)` counts rows alone: 8,192 documents of 400 kB would be one frame of 3 GB. Left to
    itself Polars hands on row groups, which are small in files of `ParquetFile`.

    >>> [frame.height for frame in frames_of(pl.LazyFrame({"text": ["a", "b", "c"]}), rows=2)]
    [2, 1]
    """
    waiting: list[pl.DataFrame] = []
    num_rows = num_bytes = 0
    for read in scan.collect_batches():
        begin = 0
        while begin < read.height:
            part = read.slice(begin, rows - num_rows)
            size = _num_bytes(part)
            if waiting and num_bytes + size > FRAME_BYTES:
                yield pl.concat(waiting)
                waiting, num_rows, num_bytes = [], 0, 0
                continue
            waiting.append(part)
            begin, num_rows, num_bytes = begin + part.height, num_rows + part.height, num_bytes + size
            if num_rows == rows:
                yield pl.concat(waiting)
                waiting, num_rows, num_bytes = [], 0, 0
    if waiting:
        yield pl.concat(waiting)


def held(scan: pl.LazyFrame) -> pl.DataFrame:
    """Return all rows of a scan and nothing of what was read beside them: see `compact`."""
    return pl.concat([scan.clear().collect(), *map(compact, frames_of(scan))])


def rows_at(scan: pl.LazyFrame, wanted_W: NDArray[np.unsignedinteger]) -> pl.DataFrame:
    """Return the rows at positions in rising order, of as many columns as are looked at; a join would hold all rows."""
    parts, begin = [scan.clear().collect()], 0
    for rows in frames_of(scan):
        low, high = np.searchsorted(wanted_W, [begin, begin + rows.height])
        parts.append(rows[wanted_W[low:high] - begin])
        begin += rows.height
    return pl.concat(parts)


def _num_bytes(frame: pl.DataFrame) -> int:
    """Return what texts and lists of numbers take, about; `estimated_size` counts what a part shares with others."""
    size = 0
    for column in frame.get_columns():
        if column.dtype == pl.String:
            size += int(column.str.len_bytes().sum())
        elif column.dtype == pl.List:
            size += _NUMBER_BYTES * int(column.list.len().sum())
    return size


class Closing:
    """Something that writes files: as a context manager it is closed at the end, and abandoned at an error."""

    def close(self) -> None:
        """Write what is pending."""
        raise NotImplementedError

    def abandon(self) -> None:
        """Let go of open files without caring for what they hold."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


class ParquetFile(Closing):
    """Writes frames of one schema to one file.

    Through Python's own file, so that a full disk raises `OSError` with its number.

    Args:
        file: where.
        schema: of all frames.
        compression: as pyarrow names it.
        is_passing: the file is read once or twice, soon: it is written quickly, without dictionaries and statistics.
    """

    def __init__(self, file: Path, schema: pa.Schema, *, compression: str, is_passing: bool = False) -> None:
        self._schema = schema
        self._stream: BinaryIO = file.open("wb")
        how = {"use_dictionary": False, "write_statistics": False} if is_passing else {}
        self._writer = pa.parquet.ParquetWriter(self._stream, schema, compression=compression, **how)

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows, in row groups of about a megabyte.

        Readers fetch some dozens of row groups ahead, whatever their size; small ones keep their memory flat.
        """
        table = frame.to_arrow().cast(self._schema)
        rows = len(table) * GROUP_BYTES // max(table.nbytes, GROUP_BYTES)
        self._writer.write_table(table, row_group_size=max(rows, 1))

    def close(self) -> None:
        """Write the footer; nothing happens the second time."""
        if self._stream.closed:
            return
        try:
            self._writer.close()
        finally:
            self._writer.is_open = False  # or its finaliser would try again
            self._stream.close()

    def abandon(self) -> None:
        """Close without an error, even where the footer cannot be written."""
        with contextlib.suppress(OSError, pa.ArrowException):
            self.close()
