"""What an Arrow file says that its batches unpack to, read from its messages without unpacking one.

A message has a head in FlatBuffers (https://arrow.apache.org/docs/format/Columnar.html), of which four fields are
looked at here; a compressed buffer of its body begins with the length that it unpacks to. Arrow itself believes that
length, and takes the memory.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import IO, NamedTuple

_START = 8
"""Where the messages of a file begin, behind its mark."""
_MARK = b"\xff\xff\xff\xff"
_DICTIONARY, _RECORDS = 2, 3
_MOST_BYTES = 1 << 50


def unpacked_bytes(stream: IO[bytes], *, is_file: bool) -> int:
    """Return how many bytes the buffers of all batches have, unpacked.

    Args:
        stream: the file, which is read from its beginning.
        is_file: its form is that of files, not that of streams.

    Raises `ValueError` for a message that is damaged; what stands behind the last whole one is not looked at.
    """
    total = 0
    try:
        for place, head, body in _messages(stream, is_file=is_file):
            total += sum(_length(stream, place, buffer) for buffer in _buffers(head, body))
    except struct.error as error:
        raise ValueError(f"a message is damaged: {error}") from error
    return total


class _Buffer(NamedTuple):
    """One of a batch: where it begins in the body, and its bytes there."""

    start: int
    size: int
    is_packed: bool


def _messages(stream: IO[bytes], *, is_file: bool) -> Iterator[tuple[int, bytes, int]]:
    """Yield where the body of each message begins, the head of the message, and the body's length."""
    end = stream.seek(0, os.SEEK_END)
    if is_file:
        for start in _blocks(stream, end):
            if found := _message(stream, start, end):
                yield found
        return
    start = 0
    while found := _message(stream, start, end):
        yield found
        start = found[0] + found[2]


def _message(stream: IO[bytes], start: int, end: int) -> tuple[int, bytes, int] | None:
    """Return the message that begins at a place; None at the end, or where it is not whole."""
    if not 0 <= start < end:
        return None
    stream.seek(start)
    mark = stream.read(4)
    prefix = mark if mark != _MARK else stream.read(4)  # before version 0.15 there was no mark
    if len(prefix) < 4:
        return None
    (size,) = struct.unpack("<i", prefix)
    place = stream.tell() + size
    if size <= 0 or place > end:
        return None
    head = stream.read(size)
    table = _Table.root(head)
    body = table.number("q", 3)
    return (place, head, body) if 0 <= body <= end - place else None


def _blocks(stream: IO[bytes], end: int) -> Iterator[int]:
    """Yield where the messages of a file begin that its footer names: dictionaries, then batches."""
    stream.seek(max(end - 10, 0))
    tail = stream.read(10)
    size = struct.unpack("<i", tail[:4])[0] if len(tail) == 10 else 0
    if not 0 < size <= end - 10 - _START:
        raise ValueError("its footer is missing or damaged")
    stream.seek(end - 10 - size)
    footer = stream.read(size)
    table = _Table.root(footer)
    for field in (2, 3):
        start, count = table.vector(field)
        for number in range(count):
            yield int(struct.unpack_from("<q", footer, start + 24 * number)[0])


def _buffers(head: bytes, body: int) -> Iterator[_Buffer]:
    message = _Table.root(head)
    kind = message.number("B", 1)
    if kind not in (_DICTIONARY, _RECORDS):
        return
    batch = message.table(2)
    if batch is not None and kind == _DICTIONARY:
        batch = batch.table(1)
    if batch is None:
        raise ValueError("a message has no batch")
    is_packed = batch.table(3) is not None
    start, count = batch.vector(2)
    for number in range(count):
        offset, size = struct.unpack_from("<qq", head, start + 16 * number)
        if not (0 <= offset <= body and 0 <= size <= body - offset):
            raise ValueError("a buffer lies outside of its batch")
        yield _Buffer(offset, size, is_packed)


def _length(stream: IO[bytes], place: int, buffer: _Buffer) -> int:
    """Return the length of a buffer, unpacked."""
    if not buffer.is_packed or buffer.size < 8:
        return buffer.size
    stream.seek(place + buffer.start)
    (length,) = struct.unpack("<q", stream.read(8))
    if length < -1 or length > _MOST_BYTES:
        raise ValueError(f"a buffer is said to unpack to {length:,} bytes")
    return int(length) if length >= 0 else buffer.size - 8  # -1: it is not packed


class _Table:
    """A table of FlatBuffers: fields by their number, each where the table's list of offsets says, or absent."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data, self._start = data, start
        back = struct.unpack_from("<i", data, start)[0]
        self._fields = start - back
        if not 0 <= self._fields <= len(data) - 4:
            raise ValueError("a message is damaged: a table has no fields")
        self._size = struct.unpack_from("<H", data, self._fields)[0]

    @classmethod
    def root(cls, data: bytes) -> _Table:
        """Return the table that a buffer holds."""
        return cls(data, struct.unpack_from("<I", data, 0)[0])

    def _place(self, field: int) -> int:
        """Return where a field stands; 0 where it is absent."""
        entry = 4 + 2 * field
        offset = struct.unpack_from("<H", self._data, self._fields + entry)[0] if entry + 2 <= self._size else 0
        return self._start + offset if offset else 0

    def number(self, form: str, field: int) -> int:
        """Return a number, 0 where it is absent."""
        place = self._place(field)
        return int(struct.unpack_from(f"<{form}", self._data, place)[0]) if place else 0

    def table(self, field: int) -> _Table | None:
        """Return a table inside, None where it is absent."""
        place = self._place(field)
        return _Table(self._data, place + struct.unpack_from("<I", self._data, place)[0]) if place else None

    def vector(self, field: int) -> tuple[int, int]:
        """Return where the entries of a list begin, and how many they are."""
        place = self._place(field)
        if not place:
            return 0, 0
        start = place + struct.unpack_from("<I", self._data, place)[0]
        return start + 4, int(struct.unpack_from("<I", self._data, start)[0])
