"""Rows that are connected, and which of them stay."""

from __future__ import annotations

import numpy as np

from oreline.data.duplicates.clusters import Clusters
from oreline.data.duplicates.union import Joined
from oreline.data.external.sorting import Sorted, coded


def equal(*pairs: tuple[int, int]) -> Sorted:
    rows = Sorted(max_bytes=0)
    rows.append(coded(*np.array(pairs, np.int64).reshape(-1, 2).T))
    return rows


def joined(num_rows: int, same: Sorted, *pairs: tuple[int, int]) -> Joined:
    rows = Joined(num_rows, max_bytes=0)
    rows.connect(same)
    rows.connect_pairs(*np.array(pairs, np.int64).reshape(-1, 2).T)
    return rows


def goes_of(clusters: Clusters, rank: list[int], similarity: float) -> tuple[list[tuple[int, int]], int, int]:
    rank_N = np.array(rank)
    found = clusters.divided(lambda place: rank_N[place], lambda first, second: np.full(len(first), similarity), 0.6)
    pairs = [pair for goes in found.drops.blocks() for pair in zip(*map(np.ndarray.tolist, goes))]
    return pairs, found.num_unmerged, found.largest


def test_nothing_is_connected_with_nothing() -> None:
    same = equal()
    assert goes_of(Clusters(joined(4, same), same, max_bytes=0), [0] * 4, 1.0) == ([], 0, 0)


def test_the_best_of_equal_rows_stands_for_them() -> None:
    """Rows 0, 2, 4 are equal and connected with 5: what stays is like 5, and all go for the same one."""
    same = equal((0, 0), (0, 2), (0, 4))
    clusters = Clusters(joined(6, same, (0, 5)), same, max_bytes=0)
    rank = [3, 3, 1, 3, 1, 0]
    assert goes_of(clusters, rank, 0.7) == ([(0, 5), (2, 5), (4, 5)], 0, 4)
    assert goes_of(clusters, rank, 0.5) == ([(0, 2), (4, 2)], 0, 4)
