"""Numbers in random order, in memory and dealt out."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.external import shuffling
from oreline.data.external.shuffling import Buckets, shuffled


def drawn(numbers: np.ndarray, random: np.random.Generator, *, max_bytes: int = 0, size: int = 100) -> list[int]:
    blocks = (numbers[start : start + size] for start in range(0, len(numbers), size))
    return [n for block in shuffled(blocks, len(numbers), random, max_bytes=max_bytes) for n in block.tolist()]


@pytest.mark.parametrize("max_bytes", [0, 1 << 20])
@pytest.mark.parametrize("count", [0, 1, 2, 1000, 70_000])
def test_one_bucket_is_in_the_order_of_a_permutation(count: int, max_bytes: int) -> None:
    """Nothing else is drawn: what is drawn next is the same, too."""
    numbers = np.arange(count, dtype=np.uint64) * 3 + 1
    one, other = np.random.default_rng(7), np.random.default_rng(7)
    assert drawn(numbers, one, max_bytes=max_bytes) == numbers[other.permutation(count)].tolist()
    assert one.random() == other.random()
    assert numbers.tolist() == list(range(1, 3 * count + 1, 3)), "what was given stays as it was"


def test_each_order_is_as_likely_where_there_are_several_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shuffling, "BUCKET", 2)
    random = np.random.default_rng(0)
    found = Counter(tuple(drawn(np.arange(4, dtype=np.uint64), random, size=3)) for _ in range(6000))
    assert set(found) == set(permutations(range(4)))
    assert max(abs(count - 250) for count in found.values()) < 5 * 250**0.5


def test_buckets_are_about_of_equal_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shuffling, "BUCKET", 1000)
    order = drawn(np.arange(10_000, dtype=np.uint64), np.random.default_rng(0))
    assert sorted(order) == list(range(10_000))
    assert abs(np.corrcoef(order, np.arange(10_000))[0, 1]) < 0.05


@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=9), max_size=9), st.integers(0, 40))
def test_buckets_keep_the_order(blocks: list[list[tuple[int, int]]], max_bytes: int) -> None:
    buckets = Buckets(4, np.uint16, max_bytes=max_bytes)
    for block in blocks:
        pairs = np.array(block, np.int64).reshape(-1, 2)
        buckets.append(pairs[:, 0], pairs[:, 1])
    for bucket, spool in enumerate(buckets.spools):
        expected = [number for block in blocks for number, chosen in block if chosen == bucket]
        assert spool.part(0, len(spool)).tolist() == expected
