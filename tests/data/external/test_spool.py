"""Numbers in memory and on disk."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data.child import figures

from oreline.data.external.spool import Spool


@pytest.mark.parametrize("max_bytes", [0, 40, 10_000])
def test_what_is_read_is_what_was_written(max_bytes: int) -> None:
    spool = Spool(np.uint32, width=2, max_bytes=max_bytes)
    assert spool.array().shape == (0, 2)
    parts = [np.arange(size, dtype=np.uint32).reshape(-1, 2) for size in (4, 0, 8, 6)]
    for part in parts:
        spool.append(part)
    assert spool.is_on_disk == (max_bytes < 72)
    assert np.array_equal(spool.array(), np.concatenate(parts))
    assert np.array_equal(spool.array(), np.concatenate(parts)), "as often as it is asked for"
    whole = spool.array()
    assert np.array_equal(whole, np.concatenate(parts)), "what was let go is read again"


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 20))), st.sampled_from([0, 10_000]))
def test_runs_are_what_lies_there(wanted: list[tuple[int, int]], max_bytes: int) -> None:
    spool, whole = Spool(np.uint32, max_bytes=max_bytes), np.arange(1000, 1120, dtype=np.uint32)
    for part in np.split(whole, [7, 50]):
        spool.append(part)
    starts, counts = np.array(wanted, np.int64).reshape(-1, 2).T
    expected = [int(value) for start, count in wanted for value in whole[start : start + count]]
    assert spool.runs(starts, counts).tolist() == expected


def test_a_spool_that_ends_too_early_is_an_error() -> None:
    spool = Spool(np.uint32, max_bytes=0)
    spool.append(np.arange(4, dtype=np.uint32))
    with pytest.raises(OSError, match="before what was written"):
        spool.runs(np.array([2]), np.array([3]))


READING = """
import sys
import numpy as np
from oreline.data.external.spool import Spool

def held():
    return sum(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(("RssFile", "RssAnon"))) // 1024

spool = Spool(np.uint32, max_bytes=0)
for start in range(0, 25_000_000, 1_000_000):
    spool.append(np.arange(start, start + 1_000_000, dtype=np.uint32))
before = held()
starts = np.random.default_rng(0).integers(0, 24_000_000, 5_000)
assert (spool.runs(starts, np.full(5_000, 2))[::2] == starts).all()
print(held() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_runs_from_disk_hold_no_more_than_they_are() -> None:
    """100 MB lie on disk; where pages were mapped, five thousand places held nearly all of them."""
    (held,) = figures(READING)
    assert held < 20


@given(st.lists(st.integers(0, 59)), st.sampled_from([0, 10_000]), st.sampled_from([1, 2]))
def test_places_are_what_lies_there(places: list[int], max_bytes: int, width: int) -> None:
    whole = np.arange(1000, 1120, dtype=np.uint32).reshape(-1, width)
    spool = Spool(np.uint32, width=width, max_bytes=max_bytes)
    for part in np.split(whole, [7, 50]):
        spool.append(part)
    assert np.array_equal(spool.at(np.array(places, np.int64)), whole[np.array(places, np.int64)])


@pytest.mark.parametrize("max_bytes", [0, 10_000])
def test_a_part_is_what_lies_from_a_place_on(max_bytes: int) -> None:
    spool = Spool(np.uint32, max_bytes=max_bytes)
    spool.append(np.arange(9, dtype=np.uint32))
    assert spool.part(3, 2).tolist() == [3, 4]
    assert spool.at(np.array([8, 0, 8])).tolist() == [8, 0, 8]


@pytest.mark.parametrize("max_bytes", [0, 10_000])
@given(st.lists(st.lists(st.integers(0, 255), max_size=9)), st.integers(1, 20))
def test_blocks_are_all_numbers_in_order(max_bytes: int, parts: list[list[int]], size: int) -> None:
    spool = Spool(np.uint16, max_bytes=max_bytes)
    for part in parts:
        spool.append(np.array(part, np.int64))
    blocks = [block.tolist() for block in spool.blocks(size)]
    assert [number for block in blocks for number in block] == [number for part in parts for number in part]
    assert len(spool) == sum(map(len, parts)) == sum(map(len, blocks))
    assert all(len(block) == size for block in blocks[:-1])


def test_the_length_is_that_of_rows() -> None:
    spool = Spool(np.uint32, max_bytes=0, width=2)
    spool.append(np.zeros((3, 2), np.uint32))
    assert len(spool) == 3


def test_the_bound_is_of_the_numbers_as_they_are_kept() -> None:
    """Numbers of 8 bytes that become numbers of one byte each."""
    spool = Spool(np.uint8, max_bytes=10)
    spool.append(np.arange(10, dtype=np.int64))
    assert not spool.is_on_disk


@pytest.mark.parametrize("width", [2, 3, 384, 512, 1500])
def test_rows_of_any_width_are_read_at_places(width: int) -> None:
    """A row that does not divide a page lies on two of them."""
    held = np.arange(40 * width, dtype=np.float32).reshape(40, width)
    spool = Spool(np.float32, width=width, max_bytes=0)
    for part in np.array_split(held, 7):
        spool.append(part)
    for places in ([5, 6, 7, 7, 0, 39, 38], [], [3], list(range(40))):
        assert np.array_equal(spool.at(np.array(places, np.int64)), held[places])
