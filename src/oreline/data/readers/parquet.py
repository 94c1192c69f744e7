"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from oreline.data.input.arrow_text import refuse_broken_text
from oreline.errors import DataError

MAX_RATIO = 1000
"""Bytes of text for each byte of the file: a file whose texts are one, repeated, has more."""
RATIO_FROM_BYTES = 64 << 20
"""Bytes of text before the ratio is looked at: columns of a few values pack tightly."""


class Reader:
    """Parquet; columns keep their types."""

    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def frames(self, path: Path, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the rows in frames of at most `rows`.

        Raises `DataError` for a file that is not Parquet, damaged, or a
        decompression bomb, and naming the row for text that is not UTF-8.
        """
        done, made = 0, 0
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                for group in range(file.num_row_groups):  # over all groups at once it would hold the whole file
                    for batch in file.iter_batches(batch_size=rows, row_groups=[group], use_threads=False):
                        made += _text_bytes(batch)
                        if made > max(RATIO_FROM_BYTES, MAX_RATIO * path.stat().st_size):
                            raise _bomb(path, done, made)
                        for name, column in zip(batch.schema.names, batch.columns, strict=True):
                            refuse_broken_text(column, name, str(path), done=done)
                        frame = pl.DataFrame(pa.Table.from_batches([batch]))
                        done += frame.height
                        if frame.height:
                            yield frame
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise _damaged(path, done, error) from error
        except OSError as error:
            if error.errno is not None:  # the system's refusal, not Arrow's
                raise
            raise _damaged(path, done, error) from error


def _text_bytes(batch: pa.RecordBatch) -> int:
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


def _bomb(path: Path, done: int, made: int) -> DataError:
    return DataError(
        f"the file is a decompression bomb: {made >> 20:,} MB of text so far, {made // path.stat().st_size:,} bytes for"
        " each",
        where=f"{path}, after row {done}",
        allowed=f"{MAX_RATIO:,} bytes for each, where there are more than {RATIO_FROM_BYTES >> 20:,} MB",
        remedy="leave it out; if you know what it holds, drop the repeated rows and write it again",
    )


def _damaged(path: Path, done: int, error: Exception) -> DataError:
    reason = "the file is empty" if not path.stat().st_size else f"the file cannot be read as Parquet: {error}"
    return DataError(
        reason.split("\n", 1)[0],
        where=f"{path}, after row {done}" if done else str(path),
        remedy="write it again, or give CSV or JSON Lines",
    )
