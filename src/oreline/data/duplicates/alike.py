"""Rows of equal keys, however many rows there are.

Shape suffixes: N rows, P places.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from oreline.data.duplicates.tokens import I64
from oreline.data.external.sorting import U64, Sorted, coded, decoded
from oreline.data.external.spool import Spool

_HALF = np.uint64(32)


class Alike:
    """Takes the keys of rows, numbers of 64 bits, and connects the rows whose keys are equal.

    Rows are sorted by the upper half of their key; whole keys are looked up where halves are equal.

    Args:
        max_bytes: held in memory, about; the rest lies on disk.

    >>> alike = Alike(max_bytes=0)
    >>> alike.add(np.array([7, 5, 7], np.uint64))
    >>> list(alike.edges())
    [(array([0]), array([2]))]
    """

    def __init__(self, *, max_bytes: int) -> None:
        self.keys = Spool(np.uint64, max_bytes=max_bytes // 2)
        """Of all rows, in order."""
        self._by_half = Sorted(max_bytes=max_bytes // 2)

    def add(self, keys_N: U64, is_alone_N: NDArray[np.bool_] | None = None) -> None:
        """Add rows; those that are alone are equal to no other, whatever their key."""
        codes_N = coded(keys_N >> _HALF, len(self.keys) + np.arange(len(keys_N)))
        self._by_half.append(codes_N if is_alone_N is None else codes_N[~is_alone_N])
        self.keys.append(keys_N)

    def edges(self) -> Iterator[tuple[I64, I64]]:
        """Yield rows and other rows of equal key, as many as connect all of them."""
        begun = np.zeros(0, np.uint64)  # one row of each key of the last half, with which the next block may go on
        for block in self._by_half.blocks():
            half_P, row_P = decoded(np.concatenate([begun, block]))
            again = half_P[1:] == half_P[:-1]
            row_P = row_P[np.append(again, True) | np.append(False, again)]
            keys, first, number_P = np.unique(self.keys.at(row_P), return_index=True, return_inverse=True)
            first_row = row_P[first]
            is_other_P = first_row[number_P] != row_P
            yield first_row[number_P][is_other_P], row_P[is_other_P]
            halves = keys >> _HALF
            begun = coded(halves, first_row)[halves == half_P[-1]]
