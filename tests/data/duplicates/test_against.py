"""Rows that must not occur."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from oreline import registry
from oreline.data.duplicates.against import Against
from oreline.errors import DataError

FOUND = ("row_id", "reason", "kept_id", "similarity")
LONG = "one of the finest films of this year and a very warm one at that"


def test_same_and_near_texts_are_named_with_their_row(tmp_path: Path) -> None:
    file = tmp_path / "test.csv"
    file.write_text(f"quote,y\nAT&amp;T  rises,1\n{LONG},0\n,1\n", encoding="utf-8")
    edits = [registry.create("operator", "normalize_text")]
    guard = Against([file], {"text": "quote"}, edits)
    texts = ["at&t rises", f"{LONG}, too", "nothing like it", LONG]
    scan = pl.LazyFrame({"row_id": [f"a:{number}" for number in range(1, 5)], "text": texts})
    assert pl.concat(guard.whole(scan)).select(FOUND).rows() == [
        ("a:1", "same_text", "test.csv:1", None),
        ("a:2", "near_duplicate", "test.csv:2", 0.9333),
        ("a:4", "same_text", "test.csv:2", None),
    ]


def test_rows_are_named_frame_by_frame_with_their_places() -> None:
    """What was found, and 8 bytes of each row that was looked at, was held until the end."""
    guard = Against([{"text": ["good film", "Good  film"]}], {}, [])
    scan = pl.LazyFrame({"text": ["a word"] * 9 + ["GOOD film"]}).select(pl.all().repeat_by(4000).explode())
    frames = list(guard.whole(scan.with_row_index("row_id").cast({"row_id": pl.String})))
    assert len(frames) > 3
    found = pl.concat(frames)
    assert found["position"].to_list() == list(range(36_000, 40_000))
    assert found["row_id"].to_list() == [str(place) for place in range(36_000, 40_000)]


def test_pairs_of_texts_are_compared_as_pairs() -> None:
    guard = Against([{"text": ["a b c"], "text_pair": ["d"]}], {}, [])
    scan = pl.LazyFrame({"row_id": ["a:1", "a:2"], "text": ["a b c", "a b c"], "text_pair": ["e f g", "D"]})
    assert pl.concat(guard.whole(scan)).select(FOUND).rows() == [("a:2", "same_text", "data:1", None)]


def test_a_file_without_the_column() -> None:
    with pytest.raises(DataError, match="no column 'quote' to compare with") as caught:
        Against([{"quotes": ["a"]}], {"text": "quote"}, [])
    assert "did you mean 'quotes'" in caught.value.allowed


@pytest.mark.parametrize(
    ("held", "before"),
    [
        (LONG, "He wrote this about it once: "),
        ("这部电影的摄影和配乐都非常出色，演员的表演也很自然，值得再看一遍", "有人在评论里写道："),
    ],
    ids=["en", "zh"],
)
def test_documents_that_hold_a_text_are_found(held: str, before: str) -> None:
    guard = Against([{"text": [held]}], {}, [])
    documents = [f"{before}{held} {before * 6}", f"{before}{held[: len(held) // 2]}"]
    scan = pl.LazyFrame({"row_id": ["a:1", "a:2"], "text": documents})
    assert pl.concat(guard.whole(scan)).select(FOUND).rows() == [("a:1", "holds_text", "data:1", 1.0)]


def test_the_report_counts_the_rows_of_each_file(tmp_path: Path) -> None:
    """Each row of a file is counted once, by the strictest way in which it was found."""
    (tmp_path / "one.csv").write_text(f"text\ngood film\nGood  film\n{LONG}\nnothing like it\n", encoding="utf-8")
    (tmp_path / "two.csv").write_text("text\nquite another\n", encoding="utf-8")
    watch = Against([tmp_path / "one.csv", tmp_path / "two.csv"], {}, []).reporting()
    texts = ["GOOD film", f"{LONG} too", f"first: {LONG} {'and more ' * 40}"]
    scan = pl.LazyFrame({"row_id": ["a:1", "a:2", "a:3"], "text": texts})
    assert [frame.height for frame in watch.whole(scan)] == [3]
    found = watch.findings()
    assert found["counts"]["rows of one.csv"] == 4
    assert found["counts"]["rows of one.csv with their text in the data"] == 2
    assert found["counts"]["rows of one.csv with a near-duplicate"] == 1
    assert found["counts"]["rows of one.csv within a longer text"] == 0
    assert found["alarms"] == [
        "of the 4 rows of one.csv: 2 with their text in the data, 1 with a near-duplicate; such rows of the data are dropped"
    ]
