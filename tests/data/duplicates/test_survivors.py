"""Which of several rows stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from oreline.data.duplicates import survivors as module
from oreline.data.duplicates.drops import Drops
from oreline.data.duplicates.survivors import best_of, divide, ranks
from oreline.data.external import sorting
from oreline.data.external.sorting import Sorted, coded
from oreline.data.external.spool import Spool
from oreline.errors import UsageError


def lengths(*values: int) -> Spool:
    spool = Spool(np.int64, max_bytes=0)
    spool.append(np.array(values))
    return spool


def waiting(groups: list[int]) -> Sorted:
    rows = Sorted(max_bytes=0)
    rows.append(coded(np.array(groups, np.int64), np.arange(len(groups))))
    return rows


def ranked(scan: pl.LazyFrame, keep: Any, column: str = "weight") -> list[float]:
    rank = ranks(scan, keep, column, lengths(3, 9, 1, 2), operator="x", max_bytes=0)
    return rank(np.arange(4)).tolist()


def test_missing_numbers_are_worst() -> None:
    scan = pl.LazyFrame({"weight": [0.5, None, float("nan"), 2.0]})
    assert ranked(scan, "highest") == [-0.5, np.inf, np.inf, -2.0]
    assert ranked(scan, "longest") == [-3, -9, -1, -2]
    assert ranked(scan, "first") == [0, 0, 0, 0]
    with pytest.raises(UsageError, match="no column 'time'"):
        ranked(scan, "newest")


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=60).map(sorted),
    st.sampled_from([1, 3, 100]),
)
def test_the_best_of_each_group_whatever_the_blocks(rows: list[tuple[int, int]], size: int) -> None:
    """Rows of groups with ranks; of equal ranks the first row comes first."""
    values = np.array([value for _, value in rows], np.int64)
    expected: dict[int, int] = {}
    for row, (group, value) in enumerate(rows):
        if group not in expected or value < values[expected[group]]:
            expected[group] = row
    blocks = waiting([group for group, _ in rows]).blocks(size)
    found: dict[int, int] = {}
    for groups, best in best_of(blocks, lambda place: values[place]):
        found.update(zip(groups.tolist(), best.tolist()))
    assert found == expected


def on_a_line(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
    return 1 - np.abs(first - second) / 2


def test_every_row_goes_for_one_that_stays() -> None:
    """Five rows on a line, alike when they are neighbours: the best row and then the best of the rest stay."""
    drops = Drops(5, max_bytes=0)
    rank_N = np.array([3, 1, 2, 4, 0])
    left = divide(waiting([0] * 5), lambda place: rank_N[place], on_a_line, 0.5, drops, max_bytes=0)
    assert [list(zip(*map(np.ndarray.tolist, goes))) for goes in drops.blocks()] == [[(0, 1), (2, 1), (3, 4)]]
    assert left == 0


def slow(groups: list[int], rank: list[int], least: float, rounds: int) -> tuple[dict[int, int], int]:
    """The definition, a group at a time."""
    gone, left = {}, 0
    for group in set(groups):
        rows = [row for row, own in enumerate(groups) if own == group]
        for _ in range(rounds):
            if not rows:
                break
            best = min(rows, key=lambda row: (rank[row], row))
            like = {row: 1 - abs(row - best) / 2 for row in rows if row != best}
            gone.update({row: best for row in like if like[row] >= least})
            rows = [row for row in like if like[row] < least]
        left += len(rows)
    return gone, left


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=50).map(sorted),
    st.sampled_from([0.5, 0.0, 1.0]),
    st.sampled_from([1, 2, 32]),
    st.sampled_from([1, 4, 100]),
)
def test_division_equals_the_definition(rows: list[tuple[int, int]], least: float, rounds: int, size: int) -> None:
    groups, rank = [group for group, _ in rows], [value for _, value in rows]
    drops, rank_N = Drops(len(rows), max_bytes=0), np.array(rank, np.int64)
    with pytest.MonkeyPatch.context() as patch:
        blocks = sorting.Sorted.blocks
        patch.setattr(sorting.Sorted, "blocks", lambda numbers: blocks(numbers, size))
        patch.setattr(module, "_ROUNDS", rounds)
        left = divide(waiting(groups), lambda place: rank_N[place], on_a_line, least, drops, max_bytes=0)
    gone = {row: kept for goes in drops.blocks() for row, kept in zip(*map(np.ndarray.tolist, goes))}
    assert (gone, left) == slow(groups, rank, least, rounds)
