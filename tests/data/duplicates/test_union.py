"""Connected components."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.duplicates.union import Forest, connected


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


BLOCKS = st.lists(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=8), max_size=8)


@given(BLOCKS, st.lists(st.integers(0, 29), max_size=12), st.sampled_from([0, 1 << 20]))
def test_a_forest_equals_a_slow_search_after_each_block(
    blocks: list[list[tuple[int, int]]], asked: list[int], max_bytes: int
) -> None:
    forest, edges = Forest(30, max_bytes=max_bytes), []
    for block in blocks:
        edges += block
        pairs = np.array(block, np.int64).reshape(-1, 2)
        forest.connect(pairs[:, 0], pairs[:, 1])
        found = forest.roots(np.array(asked, np.int64))
        assert found.tolist() == [slow(30, edges)[row] for row in asked]
    assert forest.roots(np.arange(30)).tolist() == slow(30, edges)


@pytest.mark.parametrize("max_bytes", [0, 1 << 30])
def test_a_forest_of_random_blocks_equals_what_is_connected_at_once(max_bytes: int) -> None:
    size = 5000
    pairs = np.random.default_rng(0).integers(0, size, (4000, 2))
    forest = Forest(size, max_bytes=max_bytes)
    for block in np.array_split(pairs, 40):
        forest.connect(block[:, 0], block[:, 1])
    assert np.array_equal(forest.roots(np.arange(size)), connected(size, pairs[:, 0], pairs[:, 1]))


@pytest.mark.parametrize("rows_in_order", [True, False])
def test_a_chain_that_grows_by_one_row_a_block(rows_in_order: bool) -> None:
    """Each block hangs the root under a new one: the longest way that there can be."""
    names = np.arange(2000)[::-1] if rows_in_order else np.random.default_rng(0).permutation(2000)
    forest = Forest(2000, max_bytes=1 << 20)
    for first, second in zip(names[1:, None], names[:-1, None]):
        forest.connect(first, second)
    assert not forest.roots(np.arange(2000)).any()


def test_a_forest_of_the_most_rows_that_there_may_be() -> None:
    """A step from the last row to the first still fits; nothing is held but the pages that are written to."""
    forest = Forest(1 << 32, max_bytes=0)
    last = (1 << 32) - 1
    forest.connect(np.array([last, last, 7]), np.array([1 << 31, 7, 0]))
    assert forest.roots(np.array([last, 1 << 31, 5, 0])).tolist() == [0, 0, 5, 0]
