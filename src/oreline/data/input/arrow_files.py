"""Rows of Arrow IPC files and streams, batch by batch, checked before they are used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.ipc

from oreline.data.input.text_bytes import refuse_bomb, text_bytes
from oreline.errors import DataError

_MAGIC = b"ARROW1"
_FEATHER_1 = b"FEA1"


def frames_of(path: Path, rows: int) -> Iterator[pl.DataFrame]:
    """Yield the rows in frames of at most `rows`.

    Raises `DataError` for a file that is not Arrow, damaged, or a
    decompression bomb; of the latter one batch is unpacked before that is seen.
    """
    done, made = 0, 0
    try:
        with path.open("rb") as stream:
            head = stream.read(len(_MAGIC))
            if head.startswith(_FEATHER_1):
                raise DataError(
                    "the file is Feather of version 1, which is no longer read",
                    where=str(path),
                    remedy="write it again as version 2: pandas.read_feather(…).to_feather(…)",
                )
            stream.seek(0)
            for batch in _batches(stream, is_file=head == _MAGIC):
                batch.validate(full=True)
                made += text_bytes(batch)
                refuse_bomb(path, done, made)
                frame = _plain(pl.DataFrame(pa.Table.from_batches([batch])))
                for part in frame.iter_slices(rows):
                    done += part.height
                    if part.height:
                        yield part
    except (pa.ArrowException, pl.exceptions.PolarsError, ValueError, OverflowError, MemoryError) as error:
        raise _damaged(path, done, error) from error
    except OSError as error:
        if error.errno is not None:  # the system's refusal, not Arrow's
            raise
        raise _damaged(path, done, error) from error


def _batches(stream: Any, *, is_file: bool) -> Iterator[pa.RecordBatch]:
    if is_file:
        with pa.ipc.open_file(stream) as file:
            for number in range(file.num_record_batches):
                yield file.get_batch(number)
    else:
        with pa.ipc.open_stream(stream) as batches:
            yield from batches


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    coded = [name for name, dtype in frame.schema.items() if dtype in (pl.Categorical, pl.Enum)]
    return frame.with_columns(pl.col(coded).cast(pl.String)) if coded else frame


def _damaged(path: Path, done: int, error: Exception) -> DataError:
    is_empty = not path.stat().st_size
    reason = "the file is empty" if is_empty else f"the file cannot be read as Arrow: {error}"
    return DataError(
        reason.split("\n", 1)[0][:300],
        where=f"{path}, after row {done}" if done else str(path),
        remedy="write it again, or give CSV or JSON Lines",
    )
