"""Numbers that may grow past memory: kept there up to a bound, then in a temporary file."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from oreline.data.external.pages import PAGE_BYTES, read_at
from oreline.data.external.temporary import opened_for, refusals

BLOCK = 1 << 16
"""Numbers that are worked on together."""
_LARGE_BYTES = 256
"""From such rows on each is read by itself; of smaller ones many lie on one page."""


class Spool:
    """One array that is appended to, and then read as a whole.

    >>> spool = Spool(np.uint32, max_bytes=8)
    >>> for part in ([1, 2], [3, 4]):
    ...     spool.append(np.array(part, np.uint32))
    >>> spool.array().tolist(), spool.is_on_disk
    ([1, 2, 3, 4], True)
    """

    def __init__(self, dtype: DTypeLike, *, max_bytes: int, width: int | None = None) -> None:
        self._dtype, self._width, self._max_bytes = np.dtype(dtype), width, max_bytes
        self._parts: list[NDArray[Any]] = []
        self._file: IO[bytes] | None = None
        self._num_bytes = 0

    def __len__(self) -> int:
        return self._num_bytes // (self._dtype.itemsize * (self._width or 1))

    @property
    def is_on_disk(self) -> bool:
        """Whether the bound was passed."""
        return self._file is not None

    def append(self, part: NDArray[Any]) -> None:
        """Add numbers. Raises `ResourceError` for a full disk."""
        self._parts.append(np.ascontiguousarray(part, self._dtype))
        self._num_bytes += self._parts[-1].nbytes
        if self._file is None and self._num_bytes > self._max_bytes:
            self._file = opened_for(self)
        if self._file is not None:
            with refusals():
                for waiting in self._parts:
                    self._file.write(waiting.tobytes())
            self._parts.clear()

    def array(self) -> NDArray[Any]:
        """Return all numbers; from disk they are mapped, so that the system reads what is looked at."""
        shape: tuple[int, ...] = (-1,) if self._width is None else (-1, self._width)
        if self._file is None:
            if len(self._parts) != 1:
                self._parts = [self._joined()]
            return self._parts[0].reshape(shape)
        with refusals():
            self._file.flush()
        mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.frombuffer(mapped, self._dtype).reshape(shape)

    def part(self, start: int, count: int) -> NDArray[Any]:
        """Return so many numbers from a place on, of a spool without a width: a copy."""
        if self._file is None:
            taken: NDArray[Any] = self.array()[start : start + count].copy()
            return taken
        return self.runs(np.array([start]), np.array([count]))

    def blocks(self, size: int = BLOCK) -> Iterator[NDArray[Any]]:
        """Yield all numbers in order, so many at a time, of a spool without a width."""
        for start in range(0, len(self), size):
            count = min(size, len(self) - start)
            yield self.part(start, count) if self.is_on_disk else self.array()[start : start + count]

    def at(self, places_P: NDArray[np.int64]) -> NDArray[Any]:
        """Return what lies at some places, shape (P,) or (P, W): in whatever order, each perhaps more than once."""
        if self._file is None:
            taken: NDArray[Any] = self.array()[places_P]
            return taken
        row_bytes = self._dtype.itemsize * (self._width or 1)
        if row_bytes > _LARGE_BYTES or PAGE_BYTES % row_bytes:
            return self._rows_at(places_P)
        with refusals():
            self._file.flush()
        found = read_at(self._file.fileno(), places_P, self._dtype, self._width or 1)
        return found if self._width is not None else found[:, 0]

    def runs(self, starts_R: NDArray[np.int64], counts_R: NDArray[np.int64]) -> NDArray[Any]:
        """Return so many numbers from each of these places on, end to end, of a spool without a width.

        From disk they are read, not mapped: where the system keeps a file in large pages, a few numbers of a mapped one
        hold up to two megabytes.
        """
        ends_R = np.cumsum(counts_R)
        total = int(ends_R[-1]) if len(ends_R) else 0
        if self._file is None:
            places = np.arange(total) + np.repeat(starts_R - ends_R + counts_R, counts_R)
            taken: NDArray[Any] = self.array()[places]
            return taken
        found = np.empty(total, self._dtype)
        size = self._dtype.itemsize
        into = memoryview(found.view(np.uint8).data)
        with refusals():
            self._file.flush()
            file = self._file.fileno()
            for start, end, count in zip(starts_R.tolist(), ends_R.tolist(), counts_R.tolist()):
                self._read(file, into[(end - count) * size : end * size], start * size)
        return found

    def _rows_at(self, places_P: NDArray[np.int64]) -> NDArray[Any]:
        """Return the rows at some places of a spool with a width, (P, W); rows after one another are read together."""
        width = self._width or 1
        begins = np.flatnonzero(np.diff(places_P, prepend=-2) != 1)
        counts = np.diff(begins, append=len(places_P))
        return self.runs(places_P[begins] * width, counts * width).reshape(-1, width)

    @staticmethod
    def _read(file: int, into: memoryview, offset: int) -> None:
        while len(into):
            if not (num_read := os.preadv(file, [into], offset)):
                raise OSError(f"a temporary file ends at {offset:,} bytes, before what was written to it")
            into, offset = into[num_read:], offset + num_read

    def _joined(self) -> NDArray[Any]:
        """Return the parts as one array; each is let go of when it is copied, so that they are never held twice."""
        whole = np.empty(sum(part.size for part in self._parts), self._dtype)
        place = 0
        self._parts.reverse()
        while self._parts:
            part = self._parts.pop().reshape(-1)
            whole[place : place + len(part)] = part
            place += len(part)
        return whole
