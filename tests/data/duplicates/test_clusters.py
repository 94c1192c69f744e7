"""Rows that are connected, and which of them stay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oreline.data.duplicates.clusters import Clusters
from oreline.data.external.sorting import Sorted, coded, decoded


def equal(*pairs: tuple[int, int]) -> Sorted:
    rows = Sorted(max_bytes=0)
    rows.append(coded(*np.array(pairs, np.int64).reshape(-1, 2).T))
    return rows


def pairs_of(clusters: Clusters) -> list[tuple[int, int]]:
    found = clusters.connected_rows().blocks()
    return [pair for block in found for pair in zip(*map(np.ndarray.tolist, decoded(block)))]


def as_numbers(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.abs(first - second) / 10


def test_rows_are_connected_over_any_number_of_steps() -> None:
    clusters = Clusters(9, equal((1, 1), (1, 8)), max_bytes=0)
    clusters.connect(np.array([5, 7]), np.array([3, 5]))
    clusters.connect(np.array([8]), np.array([7]))
    assert pairs_of(clusters) == [(1, row) for row in (1, 3, 5, 7, 8)]
    assert clusters.are_apart(np.array([3, 3, 0]), np.array([8, 2, 4])).tolist() == [False, True, True]


def test_nothing_is_connected_with_nothing() -> None:
    clusters = Clusters(4, equal(), max_bytes=0)
    assert pairs_of(clusters) == []
    divided = clusters.divided(np.zeros_like, as_numbers, 0.5)
    assert (list(divided.drops.blocks()), divided.num_unmerged, divided.largest) == ([], 0, 0)


def test_the_best_of_equal_rows_stands_for_them() -> None:
    """Rows 0, 2, 4 are equal and connected with 5: what stays is like 5, and all go for the same one."""
    clusters = Clusters(6, equal((0, 0), (0, 2), (0, 4)), max_bytes=0)
    clusters.connect(np.array([0]), np.array([5]))
    rank_N = np.array([3, 3, 1, 3, 1, 0])
    divided = clusters.divided(lambda place: rank_N[place], lambda first, second: np.full(len(first), 0.7), 0.6)
    assert [goes.position_P.tolist() for goes in divided.drops.blocks()] == [[0, 2, 4]]
    assert [goes.kept_P.tolist() for goes in divided.drops.blocks()] == [[5, 5, 5]]
    assert (divided.num_unmerged, divided.largest) == (0, 4)
    apart = clusters.divided(lambda place: rank_N[place], lambda first, second: np.full(len(first), 0.5), 0.6)
    assert [goes.position_P.tolist() for goes in apart.drops.blocks()] == [[0, 4]]
    assert [goes.kept_P.tolist() for goes in apart.drops.blocks()] == [[2, 2]]
