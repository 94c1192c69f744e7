"""Text of Arrow columns that is not UTF-8; the readers of Parquet and of tables in memory have the common cases."""

from __future__ import annotations

import pyarrow as pa
import pytest
from tests.data.written import broken_text

from oreline.data.input.arrow_text import refuse_broken_text
from oreline.errors import DataError


def test_the_row_is_counted_from_what_stands_before() -> None:
    pieces = pa.chunked_array([pa.array(["好", None]), broken_text(4, at=1)])
    with pytest.raises(DataError, match="'review' holds bytes that are not UTF-8") as caught:
        refuse_broken_text(pieces, "review", "data", done=10)
    assert caught.value.where == "data, row 14"


def test_damage_that_no_row_shows_is_refused() -> None:
    """Polars takes over a dictionary with the words that no row has."""
    column = pa.DictionaryArray.from_arrays(pa.array([0, 2]), broken_text(3, at=1))
    with pytest.raises(DataError, match="'review' is damaged") as caught:
        refuse_broken_text(column, "review", "data")
    assert caught.value.where == "data"


def test_a_surrogate_is_no_text() -> None:
    column = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xed\xa0\x80"]).buffers())
    with pytest.raises(DataError, match="not UTF-8"):
        refuse_broken_text(column, "review", "data")


@pytest.mark.parametrize("column", [pa.array([b"\xff"]), pa.array([1, None]), pa.array([["a", "好"], None])])
def test_what_is_whole_or_no_text_passes(column: pa.Array) -> None:
    refuse_broken_text(column, "review", "data")
