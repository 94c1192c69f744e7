"""Sources as recipes describe them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from oreline.data.input.described import described, is_described
from oreline.data.sources import frames, given_splits, sources
from oreline.errors import DataError, UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.csv").write_text(
        "review,stars,text,source\n好,5,own,web\nb,1,own,web\nc,4,own,app\n", encoding="utf-8"
    )
    return tmp_path / "a.csv"


def read(place: Any) -> pl.DataFrame:
    return pl.concat(frames(place), how="diagonal_relaxed")


def test_columns_are_mapped_and_rows_keep_their_source(file: Path) -> None:
    frame = read([{"path": str(file), "name": "shop", "columns": {"text": "review", "label": "stars"}, "weight": 2}])
    assert frame.to_dicts()[0] == {
        "row_id": "shop:1", "source_text": "own", "source_source": "web", "text": "好", "label": "5", "source": "shop", "weight": 2.0,
    }  # fmt: skip
    kept = read({"path": file, "columns": {"text": "review", "source": "source"}})
    assert kept["source"].to_list() == ["web", "web", "app"]
    assert kept["row_id"][0] == "a.csv:1"


def test_a_condition_chooses_rows_that_keep_their_numbers(file: Path) -> None:
    frame = read({"path": file, "where": "CAST(stars AS INT) > 3 AND source <> 'none'"})
    assert frame["row_id"].to_list() == ["a.csv:1", "a.csv:3"]
    for bad in ("stars >", "nothing > 3", "stars > 3"):
        with pytest.raises(DataError, match="cannot be applied"):
            read({"path": file, "where": bad})


def test_several_forms_stand_side_by_side(file: Path) -> None:
    other = pl.DataFrame({"text": ["x"]})
    frame = read([str(file), {"rows": other, "name": "memory"}, {"path": [str(file)], "name": "again"}])
    assert frame["row_id"].to_list() == ["a.csv:1", "a.csv:2", "a.csv:3", "memory:1", "again:1", "again:2", "again:3"]
    with pytest.raises(UsageError, match="two sources are called"):
        sources([{"path": str(file)}, {"path": str(file)}])


def test_a_folder_under_one_name(tmp_path: Path, file: Path) -> None:
    (tmp_path / "b.csv").write_text("text\nz\n", encoding="utf-8")
    frame = read([{"path": str(tmp_path), "name": "both"}])
    assert frame["row_id"].to_list() == ["both/a.csv:1", "both/a.csv:2", "both/a.csv:3", "both/b.csv:1"]
    assert set(frame["source"]) == {"both"}


def test_other_mappings_are_tables_and_splits(file: Path) -> None:
    for value in (
        {"text": ["a"], "label": ["b"]},
        {"path": ["a", "b"], "text": ["c", "d"]},
        {"path": "images/1.png", "text": "a cat"},
        {"train": str(file)},
        {"text": "a"},
        {"path": 3},
        "path",
    ):
        assert not is_described(value)
    assert given_splits({"path": str(file)}) is None
    assert given_splits({"train": {"path": str(file)}, "test": [{"path": str(file), "name": "x"}]}) is not None
    assert [s.name for s in sources([{"path": "images/1.png", "text": "a cat"}])] == ["data"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"colums": {}}, "has no option 'colums'(.|\n)*did you mean 'columns'"),
        ({"columns": ["a"]}, "the columns are"),
        ({"columns": {"text": "a", "label": "a"}}, "named twice"),
        ({"columns": {"lable": "a"}}, "no role 'lable'"),
        ({"weight": 0}, "the weight is 0"),
        ({"weight": "2"}, "the weight is '2'"),
        ({"quota": 1.5}, "the quota is 1.5"),
        ({"quota": -1}, "the quota is -1"),
        ({"dialogues": "x"}, "dialogues is 'x'"),
        ({"reader": "csv", "sheet": "x"}, "the reader 'csv' has no option 'sheet'"),
        ({"reader": "nope"}, "no reader named 'nope'"),
        ({"sheet": "x"}, "'csv' has no option 'sheet'"),
    ],
)
def test_mistakes_are_named(file: Path, more: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        sources([{"path": str(file), **more}])


def test_a_column_that_is_not_there(file: Path) -> None:
    with pytest.raises(DataError, match="no column 'reviews'") as caught:
        read({"path": file, "columns": {"text": "reviews"}})
    assert "did you mean 'review'" in caught.value.allowed
    assert described({"sql": "sqlite:///a.db", "query": "SELECT 1"}).options == {"query": "SELECT 1"}
