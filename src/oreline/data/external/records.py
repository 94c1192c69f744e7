"""Records in the order of their keys, however many they are: sorted runs that are merged."""

from __future__ import annotations

import heapq
import struct
from collections.abc import Iterator

import numpy as np

from oreline.data.external.spool import Spool

_READ_BYTES = 1 << 16
_LEAST_READ_BYTES = 1 << 12
_WRITTEN = 256
"""Records that are written together."""
_RECORD_BYTES = 200
"""What a record takes in memory beside its bytes, about."""
_HEAD = struct.Struct("<QIQ")
"""On disk, before each record: its number, and how many bytes key and record have."""

_Numbered = tuple[bytes, int, bytes]


class SortedRecords:
    """Takes records with a key each and gives them by rising keys, those of equal ones as they came.

    Args:
        max_bytes: held in memory, about, beside a single record; beyond that sorted runs lie in a temporary file.

    >>> records = SortedRecords(max_bytes=0)
    >>> for key, record in ((b"b", b"1"), (b"a", b"2"), (b"b", b"0")):
    ...     records.append(key, record)
    >>> list(records), len(records)
    ([(b'a', b'2'), (b'b', b'1'), (b'b', b'0')], 3)
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held: list[_Numbered] = []
        self._num_bytes = self._num_records = 0
        self._runs = Spool(np.uint8, max_bytes=0)
        self._ends = [0]

    def __len__(self) -> int:
        return self._num_records

    @property
    def is_on_disk(self) -> bool:
        """Whether the bound was passed."""
        return len(self._ends) > 1

    def append(self, key: bytes, record: bytes) -> None:
        """Add a record. Raises `ResourceError` for a full disk."""
        self._held.append((key, self._num_records, record))
        self._num_records += 1
        self._num_bytes += len(key) + len(record) + _RECORD_BYTES
        if self._num_bytes > self._max_bytes:
            self._end_run()

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        if self.is_on_disk and self._held:
            self._end_run()
        self._held.sort()
        ahead = max(self._max_bytes // len(self._ends), _LEAST_READ_BYTES)
        runs = [self._run(start, end, min(ahead, _READ_BYTES)) for start, end in zip(self._ends, self._ends[1:])]
        for key, _, record in heapq.merge(*runs) if runs else self._held:
            yield key, record

    def _end_run(self) -> None:
        self._held.sort()
        for low in range(0, len(self._held), _WRITTEN):
            parts = [
                part
                for key, number, record in self._held[low : low + _WRITTEN]
                for part in (_HEAD.pack(number, len(key), len(record)), key, record)
            ]
            self._runs.append(np.frombuffer(b"".join(parts), np.uint8))
        self._ends.append(len(self._runs))
        self._held, self._num_bytes = [], 0

    def _run(self, start: int, end: int, ahead: int) -> Iterator[_Numbered]:
        """Yield the records of one run, read a block at a time: a record that it cuts begins the next one."""
        size = _HEAD.size
        while start < end:
            block = self._runs.part(start, min(max(ahead, size), end - start)).tobytes()
            at = 0
            while at + _HEAD.size <= len(block):
                number, key_size, record_size = _HEAD.unpack_from(block, at)
                size = _HEAD.size + key_size + record_size
                if at + size > len(block):
                    break
                first = at + _HEAD.size
                at += size
                yield block[first : first + key_size], number, block[first + key_size : at]
            start += at
