"""Connected components of rows by edges: who belongs together with whom, over any number of steps.

Shape suffixes: N rows, E edges, P places.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oreline.data.duplicates.tokens import I64
from oreline.data.external.sorting import coded, decoded
from oreline.data.external.table import Table


def connected(num_rows: int, first_E: I64, second_E: I64) -> I64:
    """Return, for each row, the smallest row that it is connected with, shape (N,).

    Every round hooks each component to its smallest neighbour and then shortens all ways to one step; of the components
    that have a neighbour at most half are left, so a chain of n rows takes about log n rounds.

    >>> connected(5, np.array([3, 1]), np.array([1, 0])).tolist()
    [0, 0, 2, 0, 4]
    """
    root_N = np.arange(num_rows)
    while True:
        one_E, other_E = root_N[first_E], root_N[second_E]
        differs = one_E != other_E
        if not differs.any():
            return root_N
        first_E, second_E, one_E, other_E = first_E[differs], second_E[differs], one_E[differs], other_E[differs]
        np.minimum.at(root_N, np.maximum(one_E, other_E), np.minimum(one_E, other_E))
        while True:
            shorter_N = root_N[root_N]
            if np.array_equal(shorter_N, root_N):
                break
            root_N = shorter_N


def components(codes: Sequence[I64]) -> I64:
    """Return connected components of rows, where equal codes of any kind connect; numbered from 0, shape (N,).

    They are numbered in the order of their smallest codes of the first kind: what is drawn by these numbers (splits)
    does not depend on which other kinds there are.

    >>> components([np.array([0, 0, 1, 2]), np.array([5, 6, 6, 7])]).tolist()
    [0, 0, 0, 1]
    """
    if len(codes) == 1:
        return np.unique(codes[0], return_inverse=True)[1].astype(np.int64, copy=False)
    num_rows = len(codes[0])
    firsts = []
    for code_N in codes:
        _, first, inverse = np.unique(code_N, return_index=True, return_inverse=True)
        firsts.append(first[inverse])
    own = np.tile(np.arange(num_rows), len(firsts))
    root_N = connected(num_rows, own, np.concatenate(firsts))
    smallest_N = np.full(num_rows, num_rows)
    np.minimum.at(smallest_N, root_N, np.unique(codes[0], return_inverse=True)[1])
    return np.unique(smallest_N[root_N], return_inverse=True)[1].astype(np.int64)


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
        roots = self._parents(distinct)
        is_child = roots != distinct
        walking = np.flatnonzero(is_child)
        while len(walking):
            parents = self._parents(roots[walking])
            is_further = parents != roots[walking]
            walking, parents = walking[is_further], parents[is_further]
            grandparents = self._parents(parents)
            self._hang(roots[walking], grandparents)
            roots[walking] = grandparents
        self._hang(distinct[is_child], roots[is_child])
        return roots[places_P]

    def connect(self, first: I64, second: I64) -> None:
        """Take edges, which connect one row with another, shape (E,) each."""
        one, other = first, second
        while len(one):
            one, other = self.roots(one), self.roots(other)
            differs = one != other
            pairs = np.unique(coded(np.maximum(one, other)[differs], np.minimum(one, other)[differs]))
            one, other = decoded(pairs)
            self._hang(one, other)

    def _parents(self, rows_P: I64) -> I64:
        parents: I64 = rows_P - self._steps.take(rows_P)
        return parents

    def _hang(self, rows_P: I64, parents_P: I64) -> None:
        """Make rows children of others; of a row that is named more than once the first parent counts."""
        rows, first = np.unique(rows_P, return_index=True)
        self._steps.put(rows, (rows - parents_P[first]).astype(np.uint32))
