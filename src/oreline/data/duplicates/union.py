"""Connected components of rows by edges: who belongs together with whom, over any number of steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oreline.data.duplicates.tokens import I64


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
