"""Texts by texts."""

from __future__ import annotations

import sqlite3
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.external.text_table import TextTable
from oreline.errors import ResourceError

SOME = st.sampled_from(["", "a", "A", "a ", "a\0b", "a\0c", "你好", "1", "01", "<m1@example.org>", "\udcff"])


@given(st.lists(st.tuples(SOME, SOME)), st.sampled_from([0, 700, 1 << 20]))
def test_they_are_those_of_a_dictionary(given: list[tuple[str, str]], max_bytes: int) -> None:
    texts, held = TextTable(max_bytes=max_bytes), dict[str, str]()
    for key, value in given:
        assert texts.get(key) == held.get(key)
        assert texts.add(key, value) == (key not in held)
        held.setdefault(key, value)
    assert {key: texts.get(key) for key in held} == held
    assert texts.is_on_disk == (sum(len(key) + len(value) + 220 for key, value in held.items()) > max_bytes)


def test_what_is_held_is_bounded() -> None:
    """Nothing stays in the dictionary once the bound is passed, and the file goes with the texts."""
    texts = TextTable(max_bytes=100_000)
    for number in range(5000):
        texts.add(f"key {number}", f"value {number}")
    assert texts.is_on_disk
    assert not texts._held
    assert [texts.get(f"key {number}") for number in (0, 300, 4999)] == ["value 0", "value 300", "value 4999"]
    assert texts.get("key 5000") is None
    table = texts._table
    assert table is not None
    assert weakref.getweakrefcount(texts) == 1
    del texts
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        table.execute("SELECT 1")


def test_a_full_disk_is_said() -> None:
    texts = TextTable(max_bytes=0)
    texts.add("a", "b")
    assert texts._table is not None
    texts._table.execute("PRAGMA max_page_count = 3")
    with pytest.raises(ResourceError, match="temporary file") as caught:
        for number in range(1000):
            texts.add(f"{number}" * 100, "value")
    assert "TMPDIR" in (caught.value.remedy or "")
