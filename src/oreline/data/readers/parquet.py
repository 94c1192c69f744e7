"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pyarrow as pa
import pyarrow.parquet

from oreline.data.input.arrow_files import spelled_out
from oreline.data.input.arrow_text import refuse_broken_text
from oreline.data.input.row_sizes import cut, joined, refuse_bomb, refuse_long, row_bytes
from oreline.errors import DataError

_BATCH_BYTES = 256 << 20
"""What a batch may grow to where a value stands once in the file and in every row of it."""
_HEAD_BYTES = 32
_INT32 = 0x15
"""How Thrift's compact protocol begins the first fields of a page's head: its kind, and its bytes unpacked."""


class Reader:
    """Parquet; columns keep their types."""

    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def frames(self, path: Path, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the rows in frames of at most `rows`.

        Raises `DataError` for a file that is not Parquet, damaged, or a decompression bomb, and naming the row for text
        that is not UTF-8 and for a row above 16 MB. A bomb is refused by the sizes that the file gives, before anything
        of it is unpacked; where they are not the whole truth, as soon as its rows are counted.
        """
        done, made = 0, 0
        try:
            about = pyarrow.parquet.read_metadata(path)
            groups = [about.row_group(group) for group in range(about.num_row_groups)]
            refuse_bomb(path, 0, sum(group.total_byte_size for group in groups))
            repeating = _repeating(path, groups, about.schema)
            with pyarrow.parquet.ParquetFile(path, read_dictionary=repeating) as file:
                for number, group in enumerate(groups):  # over all groups at once it would hold the whole file
                    longest = sum(_longest(path, group.column(place)) for place in range(group.num_columns))
                    size = min(rows, max(_BATCH_BYTES // max(longest, 1), 1))
                    batches = file.iter_batches(batch_size=size, row_groups=[number], use_threads=False)
                    for batch in joined(batches, rows):
                        sizes_N = row_bytes(batch)
                        made += int(sizes_N.sum())
                        refuse_bomb(path, done, made)
                        refuse_long(sizes_N, str(path), done)
                        for name, column in zip(batch.schema.names, batch.columns, strict=True):
                            refuse_broken_text(column, name, str(path), done=done)
                        for part in cut(batch, sizes_N, rows):
                            frame = pl.DataFrame(pa.Table.from_batches([part]))
                            done += frame.height
                            yield spelled_out(frame) if repeating else frame
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pl.exceptions.PolarsError) as error:
            raise _damaged(path, done, error) from error
        except OSError as error:
            if error.errno is not None:  # the system's refusal, not Arrow's
                raise
            raise _damaged(path, done, error) from error


def _longest(path: Path, column: Any) -> int:
    """Return how long a column's values may be, of one that repeats them without writing them again; 0 of another."""
    if column.physical_type != "BYTE_ARRAY":
        return 0
    whole = int(column.total_uncompressed_size)
    if "DELTA_BYTE_ARRAY" in column.encodings:  # each one begins with as much of the last one as it likes
        return whole
    if not column.has_dictionary_page:
        return 0
    with path.open("rb") as stream:
        stream.seek(max(column.dictionary_page_offset, 0))
        return min(_page_bytes(stream.read(_HEAD_BYTES)) or whole, whole)


def _repeating(path: Path, groups: Sequence[Any], schema: Any) -> list[str]:
    """Return the columns of lists that may repeat a long text within a row: these are read as a dictionary's numbers.

    They are those whose pages hold hardly more than numbers.
    """
    found = []
    for place in range(len(schema)):
        if schema.column(place).max_repetition_level == 0:
            continue
        for column in (group.column(place) for group in groups):
            longest = _longest(path, column)
            numbers = column.total_uncompressed_size - longest
            if longest * column.num_values > _BATCH_BYTES and numbers < 4 * column.num_values + _HEAD_BYTES:
                found.append(column.path_in_schema)
                break
    return found


def _page_bytes(head: bytes) -> int:
    """Return what a page unpacks to; 0 where it does not begin as one."""
    numbers: list[int] = []
    fields = iter(head)
    while len(numbers) < 2 and next(fields, None) == _INT32:
        number = shift = 0
        for byte in fields:
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        numbers.append(number >> 1)  # they are not negative
    return numbers[1] if len(numbers) == 2 else 0


def _damaged(path: Path, done: int, error: Exception) -> DataError:
    reason = "the file is empty" if not path.stat().st_size else f"the file cannot be read as Parquet: {error}"
    return DataError(
        reason.split("\n", 1)[0],
        where=f"{path}, after row {done}" if done else str(path),
        remedy="write it again, or give CSV or JSON Lines",
    )
