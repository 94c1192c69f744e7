"""Numbers in rising order, in memory and by runs on disk."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data.child import figures

from oreline.data.external import sorting
from oreline.data.external.sorting import Sorted, coded, decoded, distinct

NUMBERS = st.one_of(st.integers(0, 20), st.integers(0, 2**64 - 1))


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "_LEAST_RUN", 4)


@given(st.lists(st.lists(NUMBERS, max_size=30), max_size=12), st.sampled_from([0, 200, 1 << 20]), st.integers(1, 40))
def test_what_comes_out_is_what_was_put_in_sorted(parts: list[list[int]], max_bytes: int, size: int) -> None:
    numbers = Sorted(max_bytes=max_bytes)
    for part in parts:
        numbers.append(np.array(part, np.uint64))
    expected = sorted(number for part in parts for number in part)
    assert len(numbers) == len(expected)
    for _ in range(2):
        assert [number for block in numbers.blocks(size) for number in block.tolist()] == expected
    found = [number for block in distinct(numbers.blocks(size)) for number in block.tolist()]
    assert found == sorted(set(expected))


def test_blocks_are_of_bounded_size() -> None:
    numbers = Sorted(max_bytes=0)
    numbers.append(np.random.default_rng(0).integers(0, 1 << 60, 10_000))
    sizes = [len(block) for block in numbers.blocks(512)]
    assert sum(sizes) == 10_000
    assert max(sizes) <= 256 * -(-10_000 // 4), "256 of each run at least are read together"


@pytest.mark.parametrize("num_runs", [3, 40])
def test_blocks_are_no_smaller_the_more_runs_there_are(num_runs: int) -> None:
    """Whoever takes them pays for each block."""
    numbers = Sorted(max_bytes=16 * (100_000 // num_runs))
    numbers.append(np.random.default_rng(0).integers(0, 1 << 60, 100_000))
    assert len(list(numbers.blocks(256 * num_runs))) <= 2 * -(-100_000 // (256 * num_runs))


def test_what_comes_in_order_is_one_run() -> None:
    """Merged, each of many runs that follow one another would give a small block."""
    numbers = Sorted(max_bytes=0)
    for low in range(0, 10_000, 100):
        numbers.append(np.arange(low, low + 100) // 3)
    assert [len(block) for block in numbers.blocks(1000)] == [1000] * 10
    numbers.append(np.array([0, 5000]))
    found = np.concatenate(list(numbers.blocks(1000)))
    assert np.array_equal(found, np.sort(np.append(np.arange(10_000) // 3, [0, 5000])))


def test_numbers_that_come_later_are_among_them() -> None:
    numbers = Sorted(max_bytes=0)
    for part in ([3, 1], [2], [9, 8, 7, 6, 5]):
        numbers.append(np.array(part))
        assert list(numbers.blocks()) or part
    assert np.concatenate(list(numbers.blocks())).tolist() == [1, 2, 3, 5, 6, 7, 8, 9]


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)), min_size=1))
def test_two_numbers_in_one(pairs: list[tuple[int, int]]) -> None:
    high, low = np.array(pairs).T
    codes = coded(high, low)
    assert [part.tolist() for part in decoded(codes)] == [high.tolist(), low.tolist()]
    assert [pairs[place] for place in np.argsort(codes, kind="stable")] == sorted(pairs)


SORTING = """
import numpy as np
from oreline.data.external.sorting import Sorted

def held():
    return sum(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(("RssFile", "RssAnon"))) // 1024

source = np.random.default_rng(0)
numbers = Sorted(max_bytes=8 << 20)
numbers.append(source.integers(0, 1 << 60, 1000))
before, most = held(), 0
for _ in range(120):
    numbers.append(source.integers(0, 1 << 60, 100_000))
    most = max(most, held())
total = 0
for block in numbers.blocks():
    total += len(block)
    most = max(most, held())
print(total, most - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_lies_on_disk_is_not_held() -> None:
    """96 MB of numbers with a bound of 8 MB."""
    total, held = figures(SORTING)
    assert total == 12_001_000
    assert held < 24
