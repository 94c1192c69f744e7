"""Records in the order of keys."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.external import records as module
from oreline.data.external.records import SortedRecords

GIVEN = st.lists(
    st.tuples(st.sampled_from([b"", b"a", b"a\0", b"ab", b"\xff" * 9]), st.binary(max_size=90)), max_size=60
)


@given(GIVEN, st.sampled_from([0, 900, 1 << 20]), st.integers(1, 70))
def test_records_are_those_of_a_stable_sort(given: list[tuple[bytes, bytes]], max_bytes: int, read_bytes: int) -> None:
    """Records that fill several blocks, and blocks that cut them anywhere; asked again after one more came."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_READ_BYTES", read_bytes)
        records = SortedRecords(max_bytes=max_bytes)
        for key, record in given:
            records.append(key, record)
        assert list(records) == sorted(given, key=lambda one: one[0])
        given = [*given, (b"a", b"one more")]
        records.append(*given[-1])
        assert list(records) == sorted(given, key=lambda one: one[0])
    assert len(records) == len(given)
    assert records.is_on_disk == (sum(len(key) + len(record) + 200 for key, record in given) > max_bytes)


def test_what_is_held_is_bounded() -> None:
    """One long record passes the bound alone; what was held before goes to disk with it."""
    source, records = random.Random(0), SortedRecords(max_bytes=10_000)
    for number in range(2000):
        records.append(source.randbytes(16), bytes(source.choice([10, 300, 9000])))
        assert records._num_bytes <= 10_000, number
        assert len(records._held) <= 50
    assert sum(len(record) for _, record in records) > 2_000_000
