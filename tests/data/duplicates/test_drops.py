"""Rows that go, noted in any order."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.duplicates import drops as module
from oreline.data.duplicates.drops import DROPS, Disagreement, Drops, Goes
from oreline.data.external.row_ids import RowIds

KEPT = st.dictionaries(st.integers(0, 99), st.integers(-1, 99), max_size=60)


def noted(kept: dict[int, int], num_rows: int = 100, max_bytes: int = 0) -> Drops:
    drops = Drops(num_rows, max_bytes=max_bytes)
    for position, other in kept.items():
        drops.put(np.array([position]), np.array([other]))
    return drops


@given(KEPT, st.sampled_from([0, 1 << 20]), st.sampled_from([7, 1000]))
def test_what_was_noted_is_read_in_order(kept: dict[int, int], max_bytes: int, block: int) -> None:
    drops = noted(kept, max_bytes=max_bytes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", block)
        found = [pair for goes in drops.blocks() for pair in zip(*map(np.ndarray.tolist, goes))]
    assert found == sorted(kept.items())
    assert drops.kept(np.arange(100)).tolist() == [kept.get(row, row) for row in range(100)]


def test_rows_that_go_are_named() -> None:
    scan = pl.LazyFrame({"row_id": list("abcd")})
    frames = noted({3: 1, 0: -1}, 4).named(scan, reason="why", max_bytes=0)
    (found,) = frames
    assert found.schema == DROPS
    assert found.rows() == [("a", "why", None, None, 0), ("d", "why", "b", None, 3)]
    assert list(noted({}, 4).named(scan, reason="why", max_bytes=0)) == []
    goes = Goes(np.array([2]), np.array([0]))
    like = goes.named(RowIds(scan, max_bytes=0), reason="near", similarity=lambda one, other: (one - other) / 4)
    assert like.rows() == [("c", "near", "a", 0.5, 2)]


def test_clusters_that_differ_in_a_target() -> None:
    scan = pl.LazyFrame({"row_id": list("abcde"), "label": ["1", "1", "0", None, None]})
    drops = noted({1: 0, 2: 0, 4: 3}, 5)
    differ = Disagreement(drops, scan, max_bytes=0)
    (goes,) = drops.blocks()
    assert differ.among(goes).tolist() == [True, True, False]
    assert differ.count() == 1
    none = Disagreement(drops, scan.drop("label"), max_bytes=0)
    assert (none.among(goes).any(), none.count()) == (False, 0)
