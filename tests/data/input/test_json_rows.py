"""Frames of JSON values; tests/data/readers/test_jsonl.py reads whole files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from oreline.data.input.json_rows import Frames, array_records, record, series
from oreline.data.readers.jsonl import Reader
from oreline.errors import DataError


def test_columns_of_mixed_types_are_text() -> None:
    assert series("a", [1, 2, None]).to_list() == [1, 2, None]
    assert series("a", [1, "x", {"b": "好"}, None, 1 << 70]).to_list() == ["1", "x", '{"b": "好"}', None, str(1 << 70)]


def test_what_a_column_held_before_counts() -> None:
    made = Frames("refuse")
    assert made.made([{"note": {"a": 1}}], ["line 1"])["note"].to_list() == ['{"a": 1}']
    made.made([{"note": "x"}], ["line 2"])
    with pytest.raises(DataError, match="where a string is expected") as caught:
        made.made([{"note": {"a": 1}}], ["line 3"])
    assert caught.value.where == "line 3"


def test_a_row_is_an_object(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds a str"):
        record("x", b"", "line 1")
    (tmp_path / "a.json").write_text(" [\n] ", encoding="utf-8")
    assert list(array_records(tmp_path / "a.json")) == []


@pytest.mark.parametrize("values", [[["a", "b"], ["c"]], ["x", ["a", "b"]]])
def test_a_list_of_answers_is_refused_by_its_row(values: list[object], tmp_path: Path) -> None:
    rows = [{"text": "t", "target_text": value, "tags": ["x"]} for value in values]
    lines, array = tmp_path / "a.jsonl", tmp_path / "b.json"
    lines.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    array.write_text(json.dumps(rows), encoding="utf-8")
    first = next(number for number, value in enumerate(values, start=1) if isinstance(value, list))
    for file in (lines, array):
        with pytest.raises(DataError, match="a list stands in the column 'target_text'") as caught:
            list(Reader().frames(file, rows=10))
        assert str(first) in caught.value.where
        [frame] = Reader(nested="text").frames(file, rows=10)
        assert frame["target_text"].to_list()[-1] == json.dumps(values[-1])


def test_nan_among_texts_is_nothing() -> None:
    assert series("a", ["x", float("nan"), 3]).to_list() == ["x", None, "3"]
    assert series("a", [1.5, float("nan")]).is_nan().to_list() == [False, True]


@pytest.mark.parametrize("column", ["text", "text_pair"])
@pytest.mark.parametrize("end", ["", "\n"], ids=["one block", "the last line alone"])
@pytest.mark.parametrize(
    "values", [["a", ["b", "c"]], [["b", "c"], "a"], ["a"] * 9 + [["b"]] * 3, [["b"]] * 9 + [None, "a"]]
)
def test_lists_and_texts_in_one_column_are_refused(column: str, end: str, values: list[object], tmp_path: Path) -> None:
    first = next(number for number, value in enumerate(values, start=1) if value and type(value) is not type(values[0]))
    for name, text in {
        "a.jsonl": "\n".join(json.dumps({column: value}) for value in values) + end,
        "a.json": json.dumps([{column: value} for value in values]),
    }.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match=f"stands among the .* of the column '{column}'") as caught:
            list(Reader().frames(tmp_path / name, rows=4))
        assert re.findall(r"\d+", caught.value.where.rpartition("/")[2])[-1] == str(first)


def test_texts_that_are_all_lists_are_words(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": ["EU", "rejects"], "label": "x"}\n{"text": ["Ann"], "label": "y"}\n')
    [frame] = Reader().frames(tmp_path / "a.jsonl", rows=10)
    assert frame["text"].to_list() == [["EU", "rejects"], ["Ann"]]


@pytest.mark.parametrize("first", [42, True, None, 0.5])
def test_numbers_before_texts_are_no_lists(first: object, tmp_path: Path) -> None:
    """The last line, without its end, is a block of its own."""
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"text": value}) for value in (first, first, "a")))
    frames = list(Reader().frames(tmp_path / "a.jsonl", rows=10))
    assert frames[-1]["text"].to_list() == ["a"]
