"""Numbers in rising order, however many they are: sorted runs that are merged (Knuth, vol. 3, section 5.4)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from oreline.data.external.spool import Spool

BLOCK = 1 << 16
_LEAST_RUN = 1 << 12
_LEAST_HEAD = 256
"""Numbers of a run that are read together."""
_LOW = 0xFFFFFFFF

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]


class Sorted:
    """Takes numbers of 64 bits in any order and gives them in rising order, as often as it is asked to.

    Args:
        max_bytes: held in memory, about; beyond that sorted runs lie in a temporary file.

    >>> numbers = Sorted(max_bytes=0)
    >>> for part in ([5, 3], [4, 3]):
    ...     numbers.append(np.array(part))
    >>> [block.tolist() for block in numbers.blocks()]
    [[3, 3, 4, 5]]
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._room = max(max_bytes // 16, _LEAST_RUN)  # a run and its parts are held together for a moment
        self._parts: list[U64] = []
        self._num_waiting = 0
        self._runs = Spool(np.uint64, max_bytes=0)
        self._ends: list[int] = []
        self._last = np.uint64(0)
        """The last number of the last run."""

    def __len__(self) -> int:
        return self._num_waiting + len(self._runs)

    def append(self, numbers: NDArray[np.generic]) -> None:
        """Add numbers. Raises `ResourceError` for a full disk."""
        for low in range(0, len(numbers), self._room):
            part = numbers[low : low + self._room]
            self._parts.append(part.astype(np.uint64))
            self._num_waiting += len(part)
            if self._num_waiting > self._room:
                self._end_run()

    def blocks(self, size: int = BLOCK) -> Iterator[U64]:
        """Yield all numbers in rising order, about so many at a time; equal ones may come in two blocks."""
        if self._ends and self._num_waiting:
            self._end_run()
        if self._ends:
            yield from self._merged(size)
            return
        run = self._taken()
        self._parts = [run]
        for low in range(0, len(run), size):
            yield run[low : low + size]

    def _end_run(self) -> None:
        run = self._taken()
        if self._ends and run[0] >= self._last:
            self._ends.pop()  # the run before goes on: numbers that come in order are one run
        self._runs.append(run)
        self._ends.append(len(self._runs))
        self._last = run[-1]
        self._num_waiting = 0

    def _taken(self) -> U64:
        run = np.concatenate([np.zeros(0, np.uint64), *self._parts])
        self._parts.clear()
        run.sort()
        return run

    def _merged(self, size: int) -> Iterator[U64]:
        """Yield, again and again, what no number that was not read yet comes before.

        Heads are filled up when half of them is gone: a nearly empty one would end each part after a few numbers.
        """
        nexts = [0, *self._ends[:-1]]
        ahead = max(size // len(nexts), _LEAST_HEAD)
        heads = [np.zeros(0, np.uint64) for _ in nexts]
        while True:
            for run, end in enumerate(self._ends):
                if 2 * len(heads[run]) <= ahead and nexts[run] < end:
                    more = self._runs.part(nexts[run], min(ahead - len(heads[run]), end - nexts[run]))
                    heads[run] = np.concatenate([heads[run], more])
                    nexts[run] += len(more)
            unread = [head[-1] for head, place, end in zip(heads, nexts, self._ends) if place < end]
            bound = min(unread, default=np.uint64(np.iinfo(np.uint64).max))
            counts = [int(np.searchsorted(head, bound, side="right")) for head in heads]
            block = np.concatenate([head[:count] for head, count in zip(heads, counts)])
            if not len(block):
                return
            block.sort()
            yield block
            heads = [head[count:] for head, count in zip(heads, counts)]


def coded(high: NDArray[np.generic], low: NDArray[np.generic]) -> U64:
    """Return two numbers of 32 bits as one of 64: it sorts by the first, then the second.

    >>> coded(np.array([1]), np.array([2])).tolist()
    [4294967298]
    """
    codes: U64 = np.left_shift(high.astype(np.uint64), 32, dtype=np.uint64)
    codes |= low.astype(np.uint64)
    return codes


def decoded(codes: U64) -> tuple[I64, I64]:
    """Return what `coded` joined."""
    return (codes >> 32).astype(np.int64), (codes & _LOW).astype(np.int64)


def unique(numbers: U64) -> U64:
    """Return numbers in rising order, each once: `np.unique` hashes them first, which takes ten times as long.

    >>> unique(np.array([3, 1, 3], np.uint64)).tolist()
    [1, 3]
    """
    found = np.sort(numbers)
    is_new = np.ones(len(found), np.bool_)
    is_new[1:] = found[1:] != found[:-1]
    return found[is_new]


def distinct(blocks: Iterator[U64]) -> Iterator[U64]:
    """Yield blocks of rising numbers without repetitions."""
    last: np.uint64 | None = None
    for block in blocks:
        is_new = np.ones(len(block), np.bool_)
        is_new[1:] = block[1:] != block[:-1]
        is_new[:1] = last is None or block[0] != last
        last = block[-1]
        if is_new.any():
            yield block[is_new]
