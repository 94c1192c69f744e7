"""A set of numbers, however many they are: sorted runs, of which those on disk are looked into by pages.

Shape suffixes: P numbers that are asked for, Q numbers of pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from oreline.data.external.sorting import Sorted, distinct, unique
from oreline.data.external.spool import Spool

_PAGE = 512
"""Numbers that are read together, 4 kB."""
_ASKED = 4096
"""Asked for together, so that their pages are some megabytes at most."""
_MAX_RUNS = 8
_FRESH = 1 << 16
_BLOCK = 1 << 16

U64 = NDArray[np.uint64]


class Numbers:
    """Remembers numbers of 64 bits and says which others are among them.

    Args:
        max_bytes: held in memory, about; beyond that they lie in temporary files.

    >>> numbers = Numbers(max_bytes=0)
    >>> numbers.add(np.array([7, 5], np.uint64))
    >>> numbers.has(np.array([5, 6, 7], np.uint64)).tolist()
    [True, False, True]
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._room = max_bytes // 16  # two runs become one beside themselves
        self._fresh = self._held = np.zeros(0, np.uint64)
        self._runs: list[_Run] = []

    def add(self, numbers: U64) -> None:
        """Remember numbers. Raises `ResourceError` for a full disk."""
        self._fresh = unique(np.append(self._fresh, numbers))
        if len(self._fresh) < _FRESH:
            return
        self._held, self._fresh = unique(np.append(self._held, self._fresh)), np.zeros(0, np.uint64)
        if len(self._held) <= self._room:
            return
        self._runs.append(_Run([self._held]))
        self._held = np.zeros(0, np.uint64)
        if len(self._runs) == _MAX_RUNS:
            together = Sorted(max_bytes=self._max_bytes)
            for run in self._runs:
                for block in run.blocks():
                    together.append(block)
            self._runs = [_Run(distinct(together.blocks()))]

    def has(self, numbers_P: U64) -> NDArray[np.bool_]:
        """Return which of some numbers are remembered."""
        is_known_P = _among(numbers_P, self._fresh) | _among(numbers_P, self._held)
        for run in self._runs:
            is_known_P |= run.has(numbers_P)
        return is_known_P


class _Run:
    """Rising numbers on disk, with the first one of each page in memory: 8 bytes for each 4 kB."""

    def __init__(self, blocks: Iterable[U64]) -> None:
        self._numbers = Spool(np.uint64, max_bytes=0)
        self._num = 0
        firsts = []
        for block in blocks:
            firsts.append(block[-self._num % _PAGE :: _PAGE].copy())
            self._numbers.append(block)
            self._num += len(block)
        self._firsts = np.concatenate(firsts)

    def blocks(self) -> Iterator[U64]:
        for low in range(0, self._num, _BLOCK):
            yield self._numbers.part(low, min(_BLOCK, self._num - low))

    def has(self, numbers_P: U64) -> NDArray[np.bool_]:
        is_known_P = np.zeros(len(numbers_P), np.bool_)
        for low in range(0, len(numbers_P), _ASKED):
            some = numbers_P[low : low + _ASKED]
            pages = np.unique(np.searchsorted(self._firsts, some, side="right") - 1)
            starts = pages[pages >= 0] * _PAGE
            held_Q = self._numbers.runs(starts, np.minimum(self._num - starts, _PAGE))
            is_known_P[low : low + _ASKED] = _among(some, held_Q)
        return is_known_P


def _among(numbers_P: U64, held_Q: U64) -> NDArray[np.bool_]:
    """Return which numbers are among rising ones."""
    if not len(held_Q):
        return np.zeros(len(numbers_P), np.bool_)
    found: NDArray[np.bool_] = held_Q[np.minimum(np.searchsorted(held_Q, numbers_P), len(held_Q) - 1)] == numbers_P
    return found
