"""Numbers that are changed anywhere, and bits, beside plain arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.external.table import Bits, Table

WRITES = st.lists(st.dictionaries(st.integers(0, 9999), st.integers(0, 2**32 - 1), max_size=20), max_size=5)


@given(WRITES, st.lists(st.integers(0, 9999), max_size=30), st.sampled_from([0, 1 << 20]))
def test_a_table_is_an_array(writes: list[dict[int, int]], asked: list[int], max_bytes: int) -> None:
    table, array = Table(10_000, np.uint32, max_bytes=max_bytes), np.zeros(10_000, np.uint32)
    for write in writes:
        places = np.array(list(write), np.int64)
        values = np.array(list(write.values()), np.int64)
        table.put(places, values)
        array[places] = values
    assert table.take(np.array(asked, np.int64)).tolist() == array[np.array(asked, np.int64)].tolist()
    assert table.take(np.arange(10_000)).tolist() == array.tolist()


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64, np.float64])
def test_numbers_of_any_kind(dtype: type[np.generic]) -> None:
    table = Table(3000, dtype, max_bytes=0)
    table.put(np.arange(0, 3000, 7), np.arange(0, 3000, 7) % 100)
    expected = np.where(np.arange(3000) % 7 == 0, np.arange(3000) % 100, 0)
    assert table.take(np.arange(3000)).tolist() == expected.tolist()
    assert table.take(np.arange(3000)).dtype == dtype


def test_many_places_at_once() -> None:
    table = Table(2_000_000, np.uint32, max_bytes=0)
    places = np.random.default_rng(0).permutation(2_000_000)[:20_000]
    table.put(places, places + 1)
    assert np.array_equal(table.take(places[::-1]), places[::-1] + 1)
    assert table.take(np.arange(1_000_000, 1_000_100)).sum() == sum(
        place + 1 for place in places.tolist() if 1_000_000 <= place < 1_000_100
    )


@given(st.lists(st.lists(st.integers(0, 99))), st.lists(st.integers(0, 99)))
def test_bits_are_a_set(parts: list[list[int]], asked: list[int]) -> None:
    bits, known = Bits(100), {place for part in parts for place in part}
    for part in parts:
        bits.set(np.array(part, np.int64))
    assert bits.at(np.array(asked, np.int64)).tolist() == [place in known for place in asked]
    assert bits.count() == len(known)
