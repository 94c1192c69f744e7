"""`pii.parquet`."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from oreline.data.pii.files import COLUMNS, FILE, SPANS, Finds, finds_table

LINE = {
    "column": "text",
    "part": None,
    "kind": "qq",
    "action": "mask",
    "start": 1,
    "end": 6,
    "new_start": 1,
    "new_end": 5,
    "sealed": None,
}


def test_a_line_for_each_value(tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {"row_id": ["a:1", "a:2", "a:3"], SPANS: [json.dumps([LINE, {**LINE, "part": 2}]), None, json.dumps([LINE])]}
    )
    with Finds(tmp_path) as finds:
        assert finds.taken("train", rows).columns == ["row_id"]
        assert finds.taken("test", rows.head(2).tail(1)).columns == ["row_id"]
    [table] = finds_table(tmp_path)
    assert table.rows == [["qq", "mask", 3]]
    written = pl.read_parquet(tmp_path / FILE)
    assert written.columns == list(COLUMNS)
    assert written.select("row_id", "split", "part", "end").rows() == [
        ("a:1", "train", None, 6),
        ("a:1", "train", 2, 6),
        ("a:3", "train", None, 6),
    ]


def test_no_file_where_nothing_was_found(tmp_path: Path) -> None:
    with Finds(tmp_path) as finds:
        assert finds.taken("train", pl.DataFrame({"row_id": ["a:1"]})).height == 1
        finds.taken(
            "train", pl.DataFrame({"row_id": ["a:1"], SPANS: [None]}, schema={"row_id": pl.String, SPANS: pl.String})
        )
    assert not (tmp_path / FILE).exists()
    assert finds_table(tmp_path) == []
