"""How long rows of tables are: one above 16 MB is no text, and far more text than its file has bytes is a bomb.

Lengths are counted before anything is expanded: each repeat of a dictionary's entry, and what lists hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from oreline.data.input import decoding
from oreline.errors import DataError

MAX_RATIO = 1000
"""Bytes of text for each byte of the file: a file whose texts are one, repeated, has more."""
RATIO_FROM_BYTES = 64 << 20
"""Bytes of text before the ratio is looked at: columns of a few values pack tightly."""
HELD_BYTES = 32 << 20
"""Text of the rows that are expanded together, about."""


def row_bytes(batch: pa.RecordBatch) -> NDArray[np.int64]:
    """Return how many bytes each row stands for, (N,): text, bytes and lists, and one for the row itself."""
    total_N = np.ones(batch.num_rows, np.int64)
    for column in batch.columns:
        if not _is_number(_plain(column).type):
            total_N += _cell_bytes(column)
    return total_N


def refuse_long(sizes_N: NDArray[np.int64], where: str, done: int) -> None:
    """Raise `DataError` naming the first row above 16 MB.

    Args:
        sizes_N: as `row_bytes` returns them.
        where: what the rows are of.
        done: how many rows stand before them.
    """
    if len(sizes_N) and int(sizes_N.max()) > decoding.MAX_ROW_BYTES:
        place = int(np.argmax(sizes_N > decoding.MAX_ROW_BYTES))
        raise decoding.too_long(
            f"{where}, row {done + place + 1}",
            remedy="check that this is the column that you mean; leave the row or the column out, or cut the text",
        )


def checked(frames: Iterator[pl.DataFrame], where: str) -> Iterator[pl.DataFrame]:
    """Yield frames, of whatever reader or table, once no row of them is above 16 MB."""
    done = 0
    for frame in frames:
        if frame.estimated_size() > decoding.MAX_ROW_BYTES or _has_words(frame):
            for batch in frame.to_arrow(compat_level=pl.CompatLevel.newest()).to_batches():
                refuse_long(row_bytes(batch), where, done)
                done += batch.num_rows
        else:
            done += frame.height
        yield frame


def cut(batch: pa.RecordBatch, sizes_N: NDArray[np.int64], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield a batch in parts of at most `rows` rows and, where a part has more than one, about 32 MB."""
    ends_N = np.cumsum(sizes_N)
    start = 0
    while start < batch.num_rows:
        before = int(ends_N[start - 1]) if start else 0
        stop = int(np.searchsorted(ends_N, before + HELD_BYTES, side="right"))
        stop = min(max(stop, start + 1), start + rows)
        yield batch.slice(start, stop - start)
        start = stop


def joined(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield small batches as larger ones, of at most `rows` rows and not much more than 32 MB."""
    held: list[pa.RecordBatch] = []
    height = size = 0
    for batch in batches:
        if held and (height + batch.num_rows > rows or size + batch.nbytes > HELD_BYTES):
            yield from _as_one(held)
            held, height, size = [], 0, 0
        held.append(batch)
        height, size = height + batch.num_rows, size + batch.nbytes
    if held:
        yield from _as_one(held)


def _as_one(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    return batches if len(batches) == 1 else list(pa.Table.from_batches(batches).combine_chunks().to_batches())


def refuse_bomb(path: Path, done: int, made: int) -> None:
    """Raise `DataError` for a file that stands for too much text.

    Args:
        path: the file.
        done: rows that were read before.
        made: bytes of text so far, or those that the file says it has.
    """
    size = path.stat().st_size
    if made <= max(RATIO_FROM_BYTES, MAX_RATIO * size):
        return
    raise DataError(
        f"the file is a decompression bomb: {made >> 20:,} MB of text so far, {made // size:,} bytes for each",
        where=f"{path}, after row {done}",
        allowed=f"{MAX_RATIO:,} bytes for each, where there are more than {RATIO_FROM_BYTES >> 20:,} MB",
        remedy="leave it out; if you know what it holds, drop the repeated rows and write it again",
    )


def _cell_bytes(column: pa.Array) -> NDArray[np.int64]:
    """Return how many bytes each cell stands for, (N,)."""
    column = _plain(column)
    kind, num_cells = column.type, len(column)
    if pa.types.is_dictionary(kind):
        each = np.append(_cell_bytes(column.dictionary), 0)  # the last one stands for what is missing
        return np.asarray(each[column.indices.fill_null(len(each) - 1).to_numpy(zero_copy_only=False)], np.int64)
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        # A view begins with its length, and has 16 bytes.
        views = np.frombuffer(column.buffers()[1] or b"", np.int32)[0::4]
        lengths = views[column.offset : column.offset + num_cells].astype(np.int64)
        return np.where(column.is_null().to_numpy(zero_copy_only=False), 0, lengths)
    if any(test(kind) for test in _STRINGS):
        return np.asarray(pc.binary_length(column).fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    if pa.types.is_struct(kind):
        parts = [np.zeros(num_cells, np.int64), *map(_cell_bytes, column.flatten())]
        return np.asarray(np.sum(parts, axis=0), np.int64)
    if pa.types.is_map(kind):
        pairs = pa.StructArray.from_arrays([column.keys, column.items], ["key", "value"])
        return _within(pairs, column.offsets.to_numpy())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _within(column.values, column.offsets.to_numpy())
    if pa.types.is_fixed_size_list(kind):
        return _within(column.values, (column.offset + np.arange(num_cells + 1)) * kind.list_size)
    if pa.types.is_null(kind):
        return np.zeros(num_cells, np.int64)
    width = -(-kind.bit_width // 8) if _is_number(kind) else column.nbytes // max(num_cells, 1)
    return np.full(num_cells, width, np.int64)


def _within(values: pa.Array, offsets: NDArray[Any]) -> NDArray[np.int64]:
    """Return the bytes of lists from those of their values; offsets are (N + 1,)."""
    first = int(offsets[0])
    sizes = _cell_bytes(values.slice(first, int(offsets[-1]) - first))
    sums = np.concatenate([[0], np.cumsum(sizes)])
    return np.asarray(np.diff(sums[offsets - first]), np.int64)


def _plain(column: pa.Array) -> pa.Array:
    return column.storage if isinstance(column, pa.ExtensionArray) else column


_STRINGS = (
    pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary,
    pa.types.is_fixed_size_binary,
)  # fmt: skip


def _is_number(kind: pa.DataType) -> bool:
    """Whether values have a width of their own, so that the number of rows bounds them."""
    return bool(pa.types.is_primitive(kind) or pa.types.is_null(kind) or pa.types.is_decimal(kind))


def _has_words(frame: pl.DataFrame) -> bool:
    """Whether a column keeps its texts apart from its rows, where Polars does not count them."""
    return any("Categorical" in str(dtype) or "Enum" in str(dtype) for dtype in frame.schema.values())
