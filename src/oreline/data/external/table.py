"""Numbers that are read and changed anywhere, however many they are."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from oreline.data.external.pages import read_at, write_at
from oreline.data.external.temporary import opened_for, refusals

I64 = NDArray[np.int64]


class Table:
    """So many numbers, 0 at first: in memory up to a bound, beyond it a temporary file of the pages written to.

    Args:
        size: how many.
        dtype: of each; its size is a power of two.
        max_bytes: what they may take in memory.

    >>> table = Table(1000, np.uint32, max_bytes=0)
    >>> table.put(np.array([7, 900]), np.array([1, 2]))
    >>> table.take(np.array([900, 8, 7])).tolist()
    [2, 0, 1]
    """

    def __init__(self, size: int, dtype: DTypeLike, *, max_bytes: int) -> None:
        self.size, self._dtype = size, np.dtype(dtype)
        self._held: NDArray[Any] | None = None
        if size * self._dtype.itemsize <= max_bytes:
            self._held = np.zeros(size, self._dtype)
            return
        self._file = opened_for(self).fileno()
        with refusals():
            os.ftruncate(self._file, size * self._dtype.itemsize)

    def take(self, places_P: I64) -> NDArray[Any]:
        """Return the numbers at some places."""
        if self._held is not None:
            found: NDArray[Any] = self._held[places_P]
            return found
        return read_at(self._file, places_P, self._dtype, 1)[:, 0]

    def put(self, places_P: I64, values_P: NDArray[Any]) -> None:
        """Write numbers at some places, none of which is named twice. Raises `ResourceError` for a full disk."""
        if self._held is not None:
            self._held[places_P] = values_P
        else:
            write_at(self._file, places_P, values_P.astype(self._dtype))


class Bits:
    """One bit for each row, 0 at first: an eighth of a byte a row, in memory.

    >>> bits = Bits(10)
    >>> bits.set(np.array([3, 9, 3]))
    >>> bits.at(np.array([9, 4, 3])).tolist(), bits.count()
    ([True, False, True], 2)
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._bytes = np.zeros(-(-size // 8), np.uint8)

    def copy(self) -> Bits:
        """Return bits of their own that are set where these are."""
        other = Bits(0)
        other.size, other._bytes = self.size, self._bytes.copy()
        return other

    def set(self, places_P: I64) -> None:
        """Set some bits."""
        np.bitwise_or.at(self._bytes, places_P >> 3, _masks(places_P))

    def at(self, places_P: I64) -> NDArray[np.bool_]:
        """Return which of some bits are set."""
        is_set: NDArray[np.bool_] = (self._bytes[places_P >> 3] & _masks(places_P)) > 0
        return is_set

    def count(self) -> int:
        """Return how many are set."""
        return int(np.bitwise_count(self._bytes).sum())

    def counts(self, block: int) -> I64:
        """Return how many are set in each run of so many bits, a multiple of 8."""
        counts = np.bitwise_count(self._bytes).astype(np.int64)
        return np.add.reduceat(counts, np.arange(0, len(counts), block // 8)) if len(counts) else counts


def _masks(places_P: I64) -> NDArray[np.uint8]:
    masks: NDArray[np.uint8] = np.left_shift(1, places_P & 7).astype(np.uint8)
    return masks
