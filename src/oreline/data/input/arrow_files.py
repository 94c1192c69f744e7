"""Rows of Arrow IPC files and streams, batch by batch, checked before they are used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.ipc

from oreline.data.input.arrow_messages import unpacked_bytes
from oreline.data.input.row_sizes import cut, refuse_bomb, refuse_long, row_bytes
from oreline.errors import DataError

_MAGIC = b"ARROW1"
_FEATHER_1 = b"FEA1"


def frames_of(path: Path, rows: int) -> Iterator[pl.DataFrame]:
    """Yield the rows in frames of at most `rows`.

    Raises `DataError` for a file that is not Arrow, damaged, or a decompression bomb, and naming the row for one above
    16 MB. What the batches unpack to stands in the file: a bomb is refused before anything of it is unpacked, or as
    soon as its rows are counted, where one text is repeated.
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
            refuse_bomb(path, 0, unpacked_bytes(stream, is_file=head == _MAGIC))
            stream.seek(0)
            for batch in _batches(stream, is_file=head == _MAGIC):
                batch.validate(full=True)
                sizes_N = row_bytes(batch)
                made += int(sizes_N.sum())
                refuse_bomb(path, done, made)
                refuse_long(sizes_N, str(path), done)
                for part in cut(batch, sizes_N, rows):
                    frame = spelled_out(pl.DataFrame(pa.Table.from_batches([part])))
                    done += part.num_rows
                    yield frame
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


def spelled_out(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose texts all stand in their rows, those of lists too, not as numbers of a dictionary."""
    plain = {name: _spelled_out(dtype) for name, dtype in frame.schema.items()}
    return frame.cast({name: dtype for name, dtype in plain.items() if dtype != frame.schema[name]})


def _spelled_out(dtype: pl.DataType) -> pl.DataType:
    if dtype in (pl.Categorical, pl.Enum):
        return pl.String()
    if isinstance(dtype, pl.List):
        return pl.List(_spelled_out(pl.List(dtype.inner).inner))  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _spelled_out(field.dtype) for field in dtype.fields})  # type: ignore[arg-type]
    return dtype


def _damaged(path: Path, done: int, error: Exception) -> DataError:
    is_empty = not path.stat().st_size
    reason = "the file is empty" if is_empty else f"the file cannot be read as Arrow: {error}"
    return DataError(
        reason.split("\n", 1)[0][:300],
        where=f"{path}, after row {done}" if done else str(path),
        remedy="write it again, or give CSV or JSON Lines",
    )
