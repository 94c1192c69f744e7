"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import polars as pl
import pyarrow as pa
import pyarrow.parquet

from oreline.data.input.arrow_text import refuse_broken_text
from oreline.data.input.text_bytes import refuse_bomb, text_bytes
from oreline.errors import DataError


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
                        made += text_bytes(batch)
                        refuse_bomb(path, done, made)
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


def _damaged(path: Path, done: int, error: Exception) -> DataError:
    reason = "the file is empty" if not path.stat().st_size else f"the file cannot be read as Parquet: {error}"
    return DataError(
        reason.split("\n", 1)[0],
        where=f"{path}, after row {done}" if done else str(path),
        remedy="write it again, or give CSV or JSON Lines",
    )
