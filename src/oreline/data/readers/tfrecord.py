"""TFRecord files of `tf.train.Example`."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from oreline.data.input.archives import opened
from oreline.data.input.compressed import Bytes, CutOffError
from oreline.data.input.crc32c import crc32c, crc32c_of, masked
from oreline.data.input.decoding import MAX_ROW_BYTES
from oreline.data.input.json_rows import series
from oreline.data.input.tf_example import parse_example
from oreline.errors import DataError

_HEAD = struct.Struct("<QI")
_FOOT = struct.Struct("<I")
_HELD_BYTES = 16 << 20


class Reader:
    """TFRecord files of `tf.train.Example`, without TensorFlow; each feature is a column.

    A feature of one value becomes that value, one of several a JSON list. The checksums of all records are compared.

    Args:
        leave_out: features that are not read, such as pictures: bytes that are no UTF-8 are refused otherwise.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".tfrecord", ".tfrecords")
    unpacks: ClassVar[bool] = True

    def __init__(self, *, leave_out: Sequence[str] = ()) -> None:
        self._leave_out = frozenset(leave_out)

    def frames(self, path: Path, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the records in frames of at most `rows`.

        Raises `DataError` naming the record at fault, and `CutOffError` after the last whole one of a file that breaks
        off.
        """
        done = 0
        for records in _parts(path, rows):
            parsed = [self._row(data, f"{path}, record {done + number}") for number, data in enumerate(records, 1)]
            done += len(parsed)
            names = dict.fromkeys(name for row in parsed for name in row)
            if names:
                yield pl.DataFrame([series(name, [row.get(name) for row in parsed]) for name in names])

    def _row(self, data: bytes, where: str) -> dict[str, Any]:
        try:
            features = parse_example(data)
        except ValueError as error:
            raise DataError(
                f"the record is no tf.train.Example: {error}", where=where, remedy="write the data as tf.train.Example"
            ) from error
        row = {}
        for name, values in features.items():
            if name not in self._leave_out:
                plain = [_text(value, name, where) if isinstance(value, bytes) else value for value in values]
                row[name] = plain[0] if len(plain) == 1 else plain or None
        return row


def _text(value: bytes, name: str, where: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"the feature {name!r} holds bytes that are no text in UTF-8",
            where=where,
            remedy=f"if it is no text, leave it out: {{path: FILE, leave_out: [{name}]}}",
        ) from error


def _parts(path: Path, rows: int) -> Iterator[list[bytes]]:
    """Yield records, at most so many and about 16 MB at a time, once their checksums are right."""
    held: list[bytes] = []
    given: list[int] = []
    done = num_bytes = 0
    broken: CutOffError | None = None
    with opened(path) as stream:
        while broken is None:
            try:
                record = _record(stream, path, done + len(held) + 1)
            except CutOffError as error:
                broken, record = error, None
            if record is not None:
                held.append(record[0])
                given.append(record[1])
                num_bytes += len(record[0])
            if held and (record is None or len(held) == rows or num_bytes > _HELD_BYTES):
                for number, checksum in enumerate(crc32c(held).tolist()):
                    if masked(checksum) != given[number]:
                        raise _damaged(f"{path}, record {done + number + 1}", "its checksum is another one")
                yield held
                done += len(held)
                held, given, num_bytes = [], [], 0
            if record is None:
                break
    if broken is not None:
        raise broken
    if not done:
        raise DataError("the file is empty", where=str(path), remedy="check how it was written, or leave it out")


def _record(stream: Bytes, path: Path, number: int) -> tuple[bytes, int] | None:
    """Return the next record and its checksum; None at the end."""
    where = f"{path}, record {number}"
    head = stream.read(_HEAD.size)
    if not head:
        return None
    if len(head) == _HEAD.size:
        length, given = _HEAD.unpack(head)
        if masked(crc32c_of(head[:8])) != given:
            raise _damaged(where, "the checksum of its length is another one, so it is no TFRecord, or damaged")
        if length > MAX_ROW_BYTES:
            raise DataError(
                f"the record is longer than {MAX_ROW_BYTES >> 20} MB", where=where, remedy="leave it out of the file"
            )
        data, foot = stream.read(length), stream.read(_FOOT.size)
        if len(data) == length and len(foot) == _FOOT.size:
            return data, int(_FOOT.unpack(foot)[0])
    raise CutOffError(
        "the file breaks off within a record",
        where=where,
        remedy="fetch or write it again; only what stands before the break can be read",
    )


def _damaged(where: str, why: str) -> DataError:
    return DataError(f"the record is damaged: {why}", where=where, remedy="fetch or write the file again")
