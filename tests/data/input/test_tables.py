"""Tables in memory; tests/data/test_sources.py has those of each library."""

from __future__ import annotations

import polars as pl
import pytest

from oreline.data.input.tables import as_frame, table_of
from oreline.errors import DataError, UsageError


def test_what_is_a_table() -> None:
    assert table_of({"text": ["a", "b"]}).rows() == table_of([{"text": "a"}, {"text": "b"}]).rows() == [("a",), ("b",)]
    frame = pl.DataFrame({"text": ["a"]})
    assert as_frame(frame) is frame
    assert as_frame({"text": ["a"]}) is None


def test_what_is_none() -> None:
    with pytest.raises(UsageError, match="from a float"):
        table_of(0.5)
    with pytest.raises(DataError, match="cannot be made a table"):
        table_of({"text": ["a"], "label": ["b", "c"]})
