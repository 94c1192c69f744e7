"""Connected components of rows by edges: who belongs together with whom, over any number of steps."""

from __future__ import annotations

import numpy as np

from oreline.data.tokens import I64


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
