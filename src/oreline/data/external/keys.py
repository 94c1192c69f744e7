"""Where numbers of 64 bits stand among others, however many they are: a table of places, by open addressing.

Shape suffixes: P places.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oreline.data.external.sorting import I64, U64
from oreline.data.external.spool import BLOCK, Spool
from oreline.data.external.table import Table

_LEAST = 64


class Keys:
    """Looks up at which place a key stands.

    Args:
        keys: of 64 bits, well mixed as hashes are, each at its place; of equal ones one is found.
        max_bytes: what the table may take in memory, 8 to 16 bytes a key; beyond that it lies on disk.

    >>> keys = Spool(np.uint64, max_bytes=0)
    >>> keys.append(np.array([70, 50], np.uint64))
    >>> Keys(keys, max_bytes=0).places(np.array([50, 60, 70], np.uint64)).tolist()
    [1, -1, 0]
    """

    def __init__(self, keys: Spool, *, max_bytes: int) -> None:
        self._keys = keys
        size = 1 << max(2 * len(keys), _LEAST).bit_length()
        self._mask = np.uint64(size - 1)
        self._table = Table(size, np.uint32, max_bytes=max_bytes)
        begin = 0
        for block in keys.blocks():
            self._put(block, begin)
            begin += len(block)

    def places(self, keys_P: U64) -> I64:
        """Return the place of each of some keys, -1 for those that are not there."""
        found_P = np.full(len(keys_P), -1, np.int64)
        for low in range(0, len(keys_P), BLOCK):
            found_P[low : low + BLOCK] = self._found(keys_P[low : low + BLOCK])
        return found_P

    def _found(self, keys_P: U64) -> I64:
        found_P = np.full(len(keys_P), -1, np.int64)
        slots_P, waiting = self._slots(keys_P), np.arange(len(keys_P))
        while len(waiting):
            noted = self._table.take(slots_P[waiting]).astype(np.int64)
            waiting, places = waiting[noted > 0], noted[noted > 0] - 1
            is_it = self._keys.at(places) == keys_P[waiting]
            found_P[waiting[is_it]] = places[is_it]
            waiting = waiting[~is_it]
            self._step(slots_P, waiting)
        return found_P

    def _put(self, keys_P: U64, begin: int) -> None:
        slots_P, waiting = self._slots(keys_P), np.arange(len(keys_P))
        while len(waiting):
            free = waiting[self._table.take(slots_P[waiting]) == 0]
            slots, first = np.unique(slots_P[free], return_index=True)
            placed = free[first]
            self._table.put(slots, (placed + begin + 1).astype(np.uint32))
            waiting = np.setdiff1d(waiting, placed, assume_unique=True)
            self._step(slots_P, waiting)

    def _slots(self, keys_P: U64) -> I64:
        return (keys_P & self._mask).astype(np.int64)

    def _step(self, slots_P: I64, waiting: NDArray[np.int64]) -> None:
        slots_P[waiting] = (slots_P[waiting] + 1) & np.int64(self._mask)
