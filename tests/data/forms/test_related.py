"""Columns that say where two entities stand become marks in the text."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

import oreline as ore
from oreline.data.forms.related import with_marks
from oreline.errors import DataError


def test_columns_of_a_file_become_marks(tmp_path: Path) -> None:
    rows = [
        {"tokens": ["Ann", "works", "for", "Acme"], "head": [0, 1, "PER"], "tail": [3, 4, "ORG"], "label": "works_for"},
        {
            "tokens": ["Bob", "owns", "Acme"],
            "head": {"start": 0, "end": 1},
            "tail": {"start": 2, "end": 3},
            "label": "owns",
        },
    ]
    for number, kind in enumerate((rows[:1], rows[1:])):
        file = tmp_path / f"{number}.jsonl"
        file.write_text("\n".join(map(json.dumps, kind)), encoding="utf-8")
        frame = ore.refine(file, split={}, out=tmp_path / f"data{number}").frame("all")
        assert {"head", "tail"} & set(frame.columns) == set()
        expected = ["<e1:PER>Ann</e1> works for <e2:ORG>Acme</e2>", "<e1>Bob</e1> owns <e2>Acme</e2>"]
        assert frame["text"].to_list() == [expected[number]]


def test_a_row_that_does_not_fit_is_named() -> None:
    frame = pl.DataFrame({"row_id": ["f:3"], "text": ["Ann works"], "head": ["Ann"], "tail": ["[4, 99]"]})
    with pytest.raises(DataError, match="outside of a text") as caught:
        with_marks(frame, "f")
    assert caught.value.where == "f:3"
    empty = frame.with_columns(tail=pl.lit(None, dtype=pl.String))
    assert with_marks(empty, "f")["text"].to_list() == [None]


def test_a_row_without_its_entities_is_dropped_for_its_marks_and_not_for_its_text(tmp_path: Path) -> None:
    rows = [
        {"text": "Ann works for Acme.", "head": "Ann", "tail": "Acme", "label": "works_for"},
        {"text": "Bob owns Acme.", "head": "Bob", "label": "owns"},
        {"text": "Eve left.", "label": "left"},
        {"text": None, "head": "Ann", "tail": "Acme", "label": "owns"},
        {"text": "<e1>Eve</e1> owns <e2>Acme</e2>.", "label": "owns"},
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    data = ore.refine(file, split={}, out=tmp_path / "data")
    dropped = pl.read_parquet(data.path / "ledger.parquet").filter(pl.col("action") == "dropped")
    assert dropped.select("row_id", "reason").rows() == [
        ("rows.jsonl:2", "missing_marks"),
        ("rows.jsonl:3", "missing_marks"),
        ("rows.jsonl:4", "missing_text"),
    ]
    expected = ["<e1>Ann</e1> works for <e2>Acme</e2>.", "<e1>Eve</e1> owns <e2>Acme</e2>."]
    assert data.frame("all")["text"].to_list() == expected


def test_where_no_row_is_marked_the_error_says_so(tmp_path: Path) -> None:
    rows = {"text": ["Ann works for Acme."], "head": [None], "tail": ["Acme"], "label": ["works_for"]}
    with pytest.raises(DataError, match="missing_marks"):
        ore.refine(rows, split={}, out=tmp_path / "data")
