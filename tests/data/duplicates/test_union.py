"""Connected components."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.csgraph
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from oreline.data.duplicates.equal import EqualRows
from oreline.data.duplicates.union import Forest, Joined
from oreline.data.external.sorting import Sorted, coded, decoded


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
    forest = Forest(20, max_bytes=1 << 20)
    forest.connect(pairs[:, 0], pairs[:, 1])
    assert forest.roots(np.arange(20)).tolist() == slow(20, edges)


def test_a_long_chain_in_random_order() -> None:
    names = np.random.default_rng(0).permutation(20_000)
    forest = Forest(20_000, max_bytes=1 << 20)
    forest.connect(names[1:], names[:-1])
    assert not forest.roots(np.arange(20_000)).any()


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
def test_a_forest_of_random_blocks_equals_the_components_of_scipy(max_bytes: int) -> None:
    size = 5000
    pairs = np.random.default_rng(0).integers(0, size, (4000, 2))
    forest = Forest(size, max_bytes=max_bytes)
    for block in np.array_split(pairs, 40):
        forest.connect(block[:, 0], block[:, 1])
    graph = scipy.sparse.coo_array((np.ones(len(pairs)), pairs.T), (size, size))
    _, component = scipy.sparse.csgraph.connected_components(graph, directed=False)
    _, first, number = np.unique(component, return_index=True, return_inverse=True)
    assert np.array_equal(forest.roots(np.arange(size)), first[number])


@pytest.mark.parametrize("rows_in_order", [True, False])
def test_a_chain_that_grows_by_one_row_a_block(rows_in_order: bool) -> None:
    """Each block hangs the root under a new one: the longest way that there can be."""
    names = np.arange(2000)[::-1] if rows_in_order else np.random.default_rng(0).permutation(2000)
    forest = Forest(2000, max_bytes=1 << 20)
    for first, second in zip(names[1:, None], names[:-1, None]):
        forest.connect(first, second)
    assert not forest.roots(np.arange(2000)).any()


def test_the_end_of_a_long_chain_is_near_its_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain that came as one block, asked for by the next one at its end alone: not a step for each of its rows."""
    forest = Forest(10_001, max_bytes=0)
    forest.connect(np.arange(10_000), np.arange(1, 10_001))
    parents, num_steps = forest._parents, 0

    def counted(rows: NDArray[np.int64]) -> NDArray[np.int64]:
        nonlocal num_steps
        num_steps += 1
        return parents(rows)

    monkeypatch.setattr(forest, "_parents", counted)
    assert forest.roots(np.array([10_000])).tolist() == [0]
    assert num_steps < 10


def test_a_forest_of_the_most_rows_that_there_may_be() -> None:
    """A step from the last row to the first still fits; nothing is held but the pages that are written to."""
    forest = Forest(1 << 32, max_bytes=0)
    last = (1 << 32) - 1
    forest.connect(np.array([last, last, 7]), np.array([1 << 31, 7, 0]))
    assert forest.roots(np.array([last, 1 << 31, 5, 0])).tolist() == [0, 0, 5, 0]


@given(BLOCKS, st.sampled_from([0, 1 << 20]))
def test_joined_rows_equal_those_of_a_slow_search(blocks: list[list[tuple[int, int]]], max_bytes: int) -> None:
    joined = Joined(30, max_bytes=max_bytes)
    for block in blocks:
        edges = Sorted(max_bytes=max_bytes)
        edges.append(coded(*np.array(block, np.int64).reshape(-1, 2).T))
        joined.connect(edges)
    roots = slow(30, [edge for block in blocks for edge in block])
    expected = [(root, row) for row, root in enumerate(roots) if roots.count(root) > 1]
    found = [pair for block in joined.rows().blocks() for pair in zip(*(part.tolist() for part in decoded(block)))]
    assert found == sorted(expected)
    assert np.flatnonzero(joined.are_joined(np.arange(30))).tolist() == [row for _, row in expected]


def test_a_chain_through_texts_and_groups_is_one_component() -> None:
    """Text i and i + 1 share group i: the worst case for spreading numbers step by step."""
    size = 50_000
    texts = np.repeat(np.arange(size), 2)
    groups = np.concatenate([[0], np.repeat(np.arange(1, size), 2), [size]])
    order = np.random.default_rng(0).permutation(len(texts))
    joined = Joined(len(texts), max_bytes=0)
    for keys in (texts[order], groups[order]):
        equal = EqualRows(1, max_bytes=0)
        equal.add(keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
        joined.connect(equal.groups())
    roots, rows = decoded(np.concatenate(list(joined.rows().blocks())))
    assert (set(roots.tolist()), len(rows)) == ({0}, 2 * size)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=25))
def test_components_equal_those_of_merged_sets(pairs: list[tuple[int, int]]) -> None:
    joined = Joined(len(pairs), max_bytes=0)
    for keys in zip(*pairs):
        equal = EqualRows(1, max_bytes=0)
        equal.add(np.array(keys, np.uint64))
        joined.connect(equal.groups())
    found = list(range(len(pairs)))
    for block in joined.rows().blocks():
        for root, row in zip(*(part.tolist() for part in decoded(block))):
            found[row] = root
    assert found == merged_sets(*(list(keys) for keys in zip(*pairs))) if pairs else not found


def merged_sets(first: list[int], second: list[int]) -> list[int]:
    """Merge sets until nothing changes."""
    sets = [{number} for number in range(len(first))]
    for codes in (first, second):
        for a in range(len(first)):
            for b in range(a):
                if codes[a] == codes[b] and sets[a] is not sets[b]:
                    sets[a] |= sets[b]
                    for member in sets[a]:
                        sets[member] = sets[a]
    return [min(members) for members in sets]


def test_pairs_are_connected_and_told_apart() -> None:
    joined = Joined(6, max_bytes=0)
    joined.connect_pairs(np.array([5, 4, 0]), np.array([3, 5, 0]))
    assert joined.are_apart(np.array([3, 0, 4]), np.array([4, 3, 4])).tolist() == [False, True, False]
    assert joined.are_joined(np.arange(6)).tolist() == [False, False, False, True, True, True]
