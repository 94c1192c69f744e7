"""Rows that must not occur."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from oreline import registry
from oreline.data.against import Against
from oreline.errors import DataError

LONG = "one of the finest films of this year and a very warm one at that"


def test_same_and_near_texts_are_named_with_their_row(tmp_path: Path) -> None:
    file = tmp_path / "test.csv"
    file.write_text(f"quote,y\nAT&amp;T  rises,1\n{LONG},0\n,1\n", encoding="utf-8")
    edits = [registry.create("operator", "normalize_text")]
    guard = Against([file], {"text": "quote"}, edits)
    texts = ["at&t rises", f"{LONG}, too", "nothing like it", LONG]
    scan = pl.LazyFrame({"row_id": [f"a:{number}" for number in range(1, 5)], "text": texts})
    assert guard.whole(scan).rows() == [
        ("a:1", "same_text", "test.csv:1"),
        ("a:2", "near_duplicate", "test.csv:2"),
        ("a:4", "same_text", "test.csv:2"),
    ]


def test_pairs_of_texts_are_compared_as_pairs() -> None:
    guard = Against([{"text": ["a b c"], "text_pair": ["d"]}], {}, [])
    scan = pl.LazyFrame({"row_id": ["a:1", "a:2"], "text": ["a b c", "a b c"], "text_pair": ["e f g", "D"]})
    assert guard.whole(scan).rows() == [("a:2", "same_text", "data:1")]


def test_a_file_without_the_column() -> None:
    with pytest.raises(DataError, match="no column 'quote' to compare with") as caught:
        Against([{"quotes": ["a"]}], {"text": "quote"}, [])
    assert "did you mean 'quotes'" in caught.value.allowed
