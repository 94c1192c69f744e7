"""Runs of equal numbers that lie in several blocks."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.external.runs import counted, reduced, whole
from oreline.data.external.sorting import coded, decoded

PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 99)))


def in_blocks(rows: list[tuple[int, int]], size: int) -> list[np.ndarray]:
    """Return pairs in rising order, some at a time, with an empty block before the last."""
    pairs = np.array(sorted(rows), np.int64).reshape(-1, 2)
    blocks = [pairs[start : start + size] for start in range(0, len(pairs), size)]
    return [*blocks[:-1], pairs[:0], *blocks[-1:]]


@given(PAIRS, st.integers(1, 9))
def test_a_run_is_one_whatever_blocks_it_lies_in(rows: list[tuple[int, int]], size: int) -> None:
    blocks = in_blocks(rows, size)
    least = [pair for found in reduced(((b[:, 0], b[:, 1]) for b in blocks), np.minimum) for pair in zip(*found)]
    assert least == sorted({number: min(v for n, v in rows if n == number) for number, _ in rows}.items())
    counts = [pair for found in counted(b[:, 0] for b in blocks) for pair in zip(*found)]
    assert counts == sorted(Counter(number for number, _ in rows).items())


@given(PAIRS, st.integers(1, 9))
def test_no_block_ends_within_a_first_number(rows: list[tuple[int, int]], size: int) -> None:
    found = list(whole((coded(b[:, 0], b[:, 1]), b[:, 1]) for b in in_blocks(rows, size)))
    firsts = [set(decoded(codes)[0].tolist()) for codes, _ in found]
    assert sum(map(len, firsts)) == len(set().union(*firsts))
    assert [pair for codes, values in found for pair in zip(decoded(codes)[0].tolist(), values)] == sorted(rows)
    assert all(len(codes) for codes, _ in found)
