"""Rows of equal keys."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.data.split.small_blocks import use_small_blocks

from oreline.data.duplicates.alike import Alike
from oreline.data.duplicates.union import connected

KEYS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans()), max_size=30)
"""Upper and lower halves of keys, and whether their rows are alone."""


def components(keys: np.ndarray, is_alone: np.ndarray | None, *, max_bytes: int, rows: int) -> list[int]:
    """Return the first row that each is connected with, from blocks of so many rows."""
    alike = Alike(max_bytes=max_bytes)
    for start in range(0, len(keys), rows):
        alike.add(keys[start : start + rows], None if is_alone is None else is_alone[start : start + rows])
    edges = [np.stack(edge) for edge in alike.edges()]
    first, second = np.concatenate([np.zeros((2, 0), np.int64), *edges], axis=1)
    assert (first != second).all()
    return connected(len(keys), first, second).tolist()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(KEYS, st.integers(1, 9))
def test_rows_of_equal_keys_are_connected_and_no_others(
    monkeypatch: pytest.MonkeyPatch, rows: list[tuple[int, int, bool]], size: int
) -> None:
    use_small_blocks(monkeypatch)
    keys = np.array([(high << 62) + low for high, low, _ in rows], np.uint64)
    is_alone = np.array([alone for *_, alone in rows], np.bool_)
    expected = [
        row if is_alone[row] else min(n for n, key in enumerate(keys) if key == keys[row] and not is_alone[n])
        for row in range(len(keys))
    ]
    assert components(keys, is_alone, max_bytes=0, rows=size) == expected


@pytest.mark.parametrize("max_bytes", [0, 1 << 28])
def test_many_rows(max_bytes: int) -> None:
    """Half of all rows have one key, which goes through many blocks; the others share halves of keys."""
    random = np.random.default_rng(0)
    keys = random.integers(0, 1000, 300_000, dtype=np.uint64) << np.uint64(32) | random.integers(
        0, 50, 300_000, dtype=np.uint64
    )
    keys[random.permutation(len(keys))[:150_000]] = 5
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    assert components(keys, None, max_bytes=max_bytes, rows=9000) == first[number].tolist()
