"""Connected components of rows by edges: who belongs together with whom, over any number of steps.

Shape suffixes: N rows, E edges, P places.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oreline.data.duplicates.tokens import I64
from oreline.data.external.sorting import BLOCK, Sorted, coded, decoded, unique
from oreline.data.external.table import Bits, Table


class Forest:
    """Components of rows whose edges come in blocks; of each component the smallest row is the root.

    A row knows how many rows before it its parent is, 0 where it is a root: a table that nothing was written to is a
    forest of single rows, so only what is connected takes memory.

    Args:
        num_rows: at most 2^32.
        max_bytes: 4 bytes a row lie in memory up to this bound, beyond it in a temporary file.

    >>> forest = Forest(6, max_bytes=0)
    >>> forest.connect(np.array([5, 2]), np.array([3, 1]))
    >>> forest.connect(np.array([3]), np.array([2]))
    >>> forest.roots(np.arange(6)).tolist()
    [0, 1, 1, 1, 4, 1]
    """

    def __init__(self, num_rows: int, *, max_bytes: int) -> None:
        self._steps = Table(num_rows, np.uint32, max_bytes=max_bytes)

    def roots(self, rows: I64) -> I64:
        """Return the smallest row that each of some rows is connected with, shape (P,). What was walked is shortened.

        Raises `ResourceError` for a full disk, as `connect` does.
        """
        distinct, places_P = np.unique(rows, return_inverse=True)
        parents_before = self._parents(distinct)
        roots = parents_before.copy()
        walking = np.flatnonzero(roots != distinct)
        while len(walking):
            parents = self._parents(roots[walking])
            is_further = parents != roots[walking]
            walking, parents = walking[is_further], parents[is_further]
            grandparents = self._parents(parents)
            self._hang(roots[walking], grandparents)
            roots[walking] = grandparents
        is_shorter = roots != parents_before
        self._hang(distinct[is_shorter], roots[is_shorter])
        return roots[places_P]

    def connect(self, first: I64, second: I64) -> None:
        """Take edges, which connect one row with another, shape (E,) each."""
        one, other = first, second
        while len(one):
            one, other = self.roots(one), self.roots(other)
            differs = one != other
            pairs = unique(coded(np.maximum(one, other)[differs], np.minimum(one, other)[differs]))
            one, other = decoded(pairs)
            is_first = np.diff(one, prepend=-1) != 0  # each root is hung under the smallest that it meets
            self._hang(one[is_first], other[is_first])
            self.roots(one[is_first])  # all at once: the end of a long chain alone would walk all of it later
            one, other = one[~is_first], other[~is_first]

    def _parents(self, rows_P: I64) -> I64:
        parents: I64 = rows_P - self._steps.take(rows_P)
        return parents

    def _hang(self, rows_P: I64, parents_P: I64) -> None:
        """Make rows children of others; a row may be named more than once with the same parent."""
        rows, first = np.unique(rows_P, return_index=True)
        self._steps.put(rows, (rows - parents_P[first]).astype(np.uint32))


class Joined:
    """The rows that edges connect with others, in whatever blocks they come.

    Memory: a bit a row, and up to `max_bytes`; the rest lies on disk.

    >>> joined = Joined(5, max_bytes=0)
    >>> edges = Sorted(max_bytes=0)
    >>> edges.append(coded(np.array([1, 2]), np.array([4, 2])))
    >>> joined.connect(edges)
    >>> [[part.tolist() for part in decoded(block)] for block in joined.rows().blocks()]
    [[[1, 1], [1, 4]]]
    """

    def __init__(self, num_rows: int, *, max_bytes: int) -> None:
        self.num_rows, self._max_bytes = num_rows, max_bytes
        self._forest = Forest(num_rows, max_bytes=3 * max_bytes // 4)
        self._is_joined = Bits(num_rows)

    def connect(self, edges: Sorted) -> None:
        """Take edges, `coded(row, other row)`; one from a row to itself says nothing."""
        for block in edges.blocks():
            self.connect_pairs(*decoded(block))

    def connect_pairs(self, first_E: I64, second_E: I64) -> None:
        """Take edges as pairs of rows."""
        differs_E = first_E != second_E
        first_E, second_E = first_E[differs_E], second_E[differs_E]
        self._forest.connect(first_E, second_E)
        self._is_joined.set(first_E)
        self._is_joined.set(second_E)

    def are_apart(self, first_E: I64, second_E: I64) -> NDArray[np.bool_]:
        """Return which pairs of rows are not connected, over any number of steps."""
        apart_E: NDArray[np.bool_] = self._forest.roots(first_E) != self._forest.roots(second_E)
        return apart_E

    def are_joined(self, rows_P: I64) -> NDArray[np.bool_]:
        """Return which of some rows are connected with another one."""
        return self._is_joined.at(rows_P)

    def rows(self) -> Sorted:
        """Return the rows that are connected with another one, each as `coded(smallest row of its component, row)`."""
        found = Sorted(max_bytes=self._max_bytes // 4)
        for start in range(0, self.num_rows, BLOCK):
            rows_P = np.arange(start, min(start + BLOCK, self.num_rows))
            rows_P = rows_P[self._is_joined.at(rows_P)]
            found.append(coded(self._forest.roots(rows_P), rows_P))
        return found
