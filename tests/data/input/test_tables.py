"""Tables in memory; tests/data/test_sources.py has those of each library."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.data.written import broken_text

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


@pytest.mark.parametrize("num_rows", [5, 200])
@pytest.mark.parametrize("coded", [True, False])
def test_text_of_arrow_that_is_not_utf8_names_its_row(num_rows: int, *, coded: bool) -> None:
    column = broken_text(num_rows, at=3)
    if coded:
        column = pa.DictionaryArray.from_arrays(pa.array(range(num_rows)), column)
    table = pa.table({"stars": range(num_rows), "text": column})
    for given in (table, table.to_batches()[0], table.to_pandas(types_mapper=pd.ArrowDtype)):
        with pytest.raises(DataError, match="'text' holds bytes that are not UTF-8") as caught:
            table_of(given)
        assert caught.value.where == "the table in memory, row 4"
    assert table_of(pa.table({"bytes": [b"\xff"]})).height == 1, "bytes are none of text"


def test_nan_among_texts_is_nothing() -> None:
    """It was the text, and the class, `NaN`."""
    frame = table_of(
        {"text": ["a", float("nan"), None], "label": ["x", "y", float("nan")], "n": [1.5, float("nan"), 2]}
    )
    assert frame["text"].to_list() == ["a", None, None]
    assert frame["label"].to_list() == ["x", "y", None]
    assert frame["n"].is_nan().to_list() == [False, True, False]


@pytest.mark.parametrize(
    "source", [{"n": [1, 2], "text": ["a", "b\ud800"]}, [{"text": "a"}, {"n": 2, "text": "b\ud800"}]]
)
def test_half_a_surrogate_pair_names_its_row(source: Any) -> None:
    with pytest.raises(DataError, match="half of a surrogate pair") as caught:
        table_of(source)
    assert caught.value.where == "row 2, column 'text'"


def test_dirty_frames_of_pandas() -> None:
    mixed = pd.DataFrame({"text": ["a", 3, None], "label": ["x", float("nan"), {"q": 1}]})
    assert table_of(mixed).rows() == [("a", "x"), ("3", None), (None, '{"q": 1}')]
    with pytest.raises(DataError, match="two columns are called 'text'"):
        table_of(pd.DataFrame([["a", "b"]], columns=["text", "text"]))
    rows = table_of([{"text": "a", "n": float("nan")}, {"text": float("nan"), "n": 1.0}])
    assert rows["text"].to_list() == ["a", None]
    assert rows["n"].is_nan().to_list() == [True, False]
