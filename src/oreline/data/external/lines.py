"""Lines in the order of numbers, however many they are: sorted runs that are merged."""

from __future__ import annotations

import heapq
import os
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from oreline.store import translating

_READ_BYTES = 1 << 16
_LINE_BYTES = 150
"""What a line takes beside its characters, about."""


class SortedLines:
    """Takes lines with a number each and gives them by rising numbers, those of equal ones as they came.

    Args:
        max_bytes: held in memory, about; beyond that sorted runs lie in a temporary file.

    >>> lines = SortedLines(max_bytes=0)
    >>> for number, line in ((0.5, "b"), (0.25, "a"), (0.5, "c")):
    ...     lines.append(number, line)
    >>> list(lines), len(lines)
    (['a', 'b', 'c'], 3)
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held: list[tuple[float, str]] = []
        self._num_bytes = self._num_lines = 0
        self._file: IO[bytes] | None = None
        self._ends = [0]

    def __len__(self) -> int:
        return self._num_lines

    def append(self, number: float, line: str) -> None:
        """Add a line, which holds no line break. Raises `ResourceError` for a full disk."""
        self._held.append((number, line))
        self._num_lines += 1
        self._num_bytes += len(line) + _LINE_BYTES
        if self._num_bytes > self._max_bytes:
            self._end_run()

    def __iter__(self) -> Iterator[str]:
        self._held.sort(key=_number_of)
        runs = [self._run(start, end) for start, end in zip(self._ends, self._ends[1:])]
        for _, line in heapq.merge(*runs, self._held, key=_number_of):
            yield line

    def _end_run(self) -> None:
        self._held.sort(key=_number_of)
        with translating(Path(tempfile.gettempdir())):
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the lines
                weakref.finalize(self, self._file.close)
            for number, line in self._held:
                self._file.write(f"{number!r} {line}\n".encode("utf-8", "surrogatepass"))
            self._file.flush()
            self._ends.append(self._file.tell())
        self._held, self._num_bytes = [], 0

    def _run(self, start: int, end: int) -> Iterator[tuple[float, str]]:
        """Yield the lines of one run, read a block at a time."""
        if self._file is None:
            return
        rest = b""
        while start < end:
            block = os.pread(self._file.fileno(), min(_READ_BYTES, end - start), start)
            start += len(block)
            *whole, rest = (rest + block).split(b"\n")
            for told in whole:
                number, _, line = told.decode("utf-8", "surrogatepass").partition(" ")
                yield float(number), line


def _number_of(numbered: tuple[float, str]) -> float:
    return numbered[0]
