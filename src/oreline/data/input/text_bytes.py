"""How much text the batches of a columnar file stand for: more than any real one is a decompression bomb."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from oreline.errors import DataError

MAX_RATIO = 1000
"""Bytes of text for each byte of the file: a file whose texts are one, repeated, has more."""
RATIO_FROM_BYTES = 64 << 20
"""Bytes of text before the ratio is looked at: columns of a few values pack tightly."""


def text_bytes(batch: pa.RecordBatch) -> int:
    """Return how many bytes of text a batch stands for, each repeat of a dictionary's entry counted."""
    total = 0
    for column in batch.columns:
        is_coded = pa.types.is_dictionary(column.type)
        kind = column.type.value_type if is_coded else column.type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            continue
        lengths = pc.binary_length(column.dictionary if is_coded else column)
        each = lengths.take(column.indices) if is_coded else lengths
        total += pc.sum(pc.cast(each, pa.int64())).as_py() or 0
    return total


def refuse_bomb(path: Path, done: int, made: int) -> None:
    """Raise `DataError` for a file that stands for too much text.

    Args:
        path: the file.
        done: rows that were read before.
        made: bytes of text so far.
    """
    if made <= max(RATIO_FROM_BYTES, MAX_RATIO * path.stat().st_size):
        return
    raise DataError(
        f"the file is a decompression bomb: {made >> 20:,} MB of text so far, {made // path.stat().st_size:,} bytes for"
        " each",
        where=f"{path}, after row {done}",
        allowed=f"{MAX_RATIO:,} bytes for each, where there are more than {RATIO_FROM_BYTES >> 20:,} MB",
        remedy="leave it out; if you know what it holds, drop the repeated rows and write it again",
    )
