"""Connected components."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.duplicates.union import connected


def slow(num_rows: int, edges: list[tuple[int, int]]) -> list[int]:
    """Spread the smallest number until nothing changes."""
    roots = list(range(num_rows))
    for _ in range(num_rows):
        for first, second in edges:
            roots[first] = roots[second] = min(roots[first], roots[second])
    return roots


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=25))
def test_components_equal_those_of_a_slow_search(edges: list[tuple[int, int]]) -> None:
    pairs = np.array(edges, np.int64).reshape(-1, 2)
    assert connected(20, pairs[:, 0], pairs[:, 1]).tolist() == slow(20, edges)


def test_a_long_chain_in_random_order() -> None:
    names = np.random.default_rng(0).permutation(20_000)
    assert not connected(20_000, names[1:], names[:-1]).any()
