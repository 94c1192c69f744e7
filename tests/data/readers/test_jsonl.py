"""The JSON Lines reader."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.input import compressed, decoding
from oreline.data.readers.jsonl import Reader
from oreline.errors import DataError


def read(file: Path) -> pl.DataFrame:
    return pl.concat(Reader().frames(file, rows=1000), how="diagonal_relaxed")


def write(folder: Path, content: str | bytes) -> Path:
    file = folder / "data.jsonl"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def broken(file: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        list(Reader().frames(file, rows=1000))
    return caught.value


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1), st.booleans())
def test_every_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str], ascii_only: bool) -> None:
    lines = "\n".join(json.dumps({"text": text}, ensure_ascii=ascii_only) for text in texts)
    file = write(tmp_path_factory.mktemp("jsonl"), lines)
    assert read(file)["text"].to_list() == texts


def test_frames_are_bounded_and_in_order(tmp_path: Path) -> None:
    file = write(tmp_path, "".join(f'{{"text": "row {number}"}}\n' for number in range(2500)))
    frames = list(Reader().frames(file, rows=1000))
    assert [frame.height for frame in frames] == [1000, 1000, 500]
    assert frames[2]["text"][-1] == "row 2499"


def test_keys_may_come_and_go(tmp_path: Path) -> None:
    frame = read(write(tmp_path, '{"text": "a"}\n\n{"label": 1, "text": "b"}\n'))
    assert frame.to_dicts() == [{"text": "a", "label": None}, {"text": "b", "label": 1}]


def test_nan_is_allowed(tmp_path: Path) -> None:
    frame = read(write(tmp_path, '{"text": "a", "label": NaN}\n{"text": "b", "label": 1}\n'))
    assert frame["text"].to_list() == ["a", "b"]
    assert frame["label"].is_nan().to_list() == [True, False]


def test_nested_values_become_json(tmp_path: Path) -> None:
    frame = read(write(tmp_path, '{"text": "a", "user": {"id": 1}, "tags": ["x", "y"]}\n'))
    assert json.loads(frame["user"][0]) == {"id": 1}
    assert frame["tags"].to_list() == [["x", "y"]]


def test_values_of_mixed_types_become_text(tmp_path: Path) -> None:
    frame = read(write(tmp_path, '{"label": NaN}\n{"label": "x"}\n{"label": 3}\n{"label": [1]}\n'))
    assert frame["label"].to_list() == [None, "x", "3", "[1]"]


def test_utf16_and_gb18030_are_read(tmp_path: Path) -> None:
    line = '{"text": "这部电影很好看，推荐给大家"}\n' * 3
    for codec in ("utf-16", "gb18030"):
        assert read(write(tmp_path, line.encode(codec)))["text"][2] == "这部电影很好看，推荐给大家"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"text": "b", "label":', "not JSON"),
        ("garbage", "not JSON"),
        ('{"text": "b"} {"text": "c"}', "not JSON"),
        ("[1, 2]", "holds a list"),
        ('"text"', "holds a str"),
        ('{"text": "half \\ud83d of it"}', "half of a surrogate pair"),
    ],
)
def test_a_broken_line_names_its_number(tmp_path: Path, line: str, says: str) -> None:
    error = broken(write(tmp_path, '{"text": "a"}\n' * 6999 + line + "\n" + '{"text": "c"}\n' * 10))
    assert says in error.what
    assert error.where.endswith("data.jsonl, line 7000")


def test_one_object_over_many_lines_says_how_to_get_at_its_rows(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"rows": [{"text": "a"}]}, indent=1), encoding="utf-8")
    with pytest.raises(DataError, match="the file is one object over several lines") as caught:
        list(Reader().frames(tmp_path / "a.json", rows=5))
    assert "jq .KEY FILE" in caught.value.remedy


def test_line_numbers_count_over_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BLOCK_BYTES", 1000)
    error = broken(write(tmp_path, '{"text": "a"}\n' * 6999 + "garbage\n"))
    assert error.where.endswith("data.jsonl, line 7000")


def test_pairs_of_surrogate_escapes_are_one_character(tmp_path: Path) -> None:
    assert read(write(tmp_path, '{"text": "\\ud83d\\ude00"}\n'))["text"][0] == "\U0001f600"


ROWS = [{"text": "a", "label": 1}, {"text": '这部电影, "很好看"]', "label": None, "more": {"x": [1]}}, {"text": "\\"}]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("block_bytes", [3, 1000])
def test_an_array_is_read_one_object_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indent: int | None, block_bytes: int
) -> None:
    monkeypatch.setattr(decoding, "BLOCK_BYTES", block_bytes)
    file = write(tmp_path, json.dumps(ROWS * 7, ensure_ascii=False, indent=indent))
    parts = list(Reader().frames(file, rows=4))
    assert [part.height for part in parts] == [4, 4, 4, 4, 4, 1]
    frame = pl.concat(parts, how="diagonal_relaxed")
    assert frame["text"].to_list() == [row["text"] for row in ROWS] * 7
    assert frame["more"][1] == '{"x": [1]}'


@pytest.mark.parametrize(
    ("content", "says", "where"),
    [
        ('[{"text": "a"}, 3]', "holds a int", "element 2"),
        ('[{"text": "a"} {"text": "b"}]', "no comma", "element 2"),
        ('[{"text": "a"}, {"text": "b"', "not JSON", "element 2"),
        ('[{"text": "a"}', "no comma", "element 2"),
        ('[{"text": "a"}] [', "after the end", "after element 1"),
        ('[{"text": "a \\ud800"}]', "half of a surrogate pair", "element 1"),
        ("[" * 100_000, "not JSON", "element 1"),
        ('[{"text": 1e}]', "not JSON", "element 1"),
    ],
)
def test_a_broken_array_names_the_element(tmp_path: Path, content: str, says: str, where: str) -> None:
    error = broken(write(tmp_path, content))
    assert says in error.what
    assert error.where.endswith(where)


def test_frames_of_an_array_have_fewer_rows_where_they_are_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressed, "_BATCH_CHARACTERS", 2000)
    file = tmp_path / "a.json"
    file.write_text(json.dumps([{"text": f"{number} {'word ' * 200}"} for number in range(9)]))
    assert [part.height for part in Reader().frames(file, rows=8192)] == [2, 2, 2, 2, 1]


def test_an_element_of_an_array_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(decoding, "MAX_ROW_BYTES", 5000)
    error = broken(write(tmp_path, '[{"text": "a"}, {"text": "' + "x" * 100_000 + '"}]'))
    assert "longer than" in error.what
    assert error.where.endswith("element 2")


def test_an_element_that_is_no_text_names_itself_and_the_remedy(tmp_path: Path) -> None:
    file = write(tmp_path, "")
    rows = ", ".join(json.dumps({"text": f"好 {number}"}, ensure_ascii=False) for number in range(9))
    file.write_bytes(f"[{rows}]".encode().replace("好 6".encode(), b"\xe5\xa5 6"))
    error = broken(file)
    assert error.where.endswith("element 7")
    assert "encodings" in error.remedy


@pytest.mark.parametrize("form", ["lines", "array"])
@pytest.mark.parametrize("value", [{"body": "b"}, {}])
def test_an_object_where_a_string_is_expected_names_its_row(tmp_path: Path, form: str, value: object) -> None:
    rows = [{"text": "a", "note": "x"}, {"text": "b", "note": "y"}, {"text": "c", "note": value}]
    content = json.dumps(rows) if form == "array" else "\n".join(map(json.dumps, rows))
    file = write(tmp_path, content)
    error = broken(file)
    assert "where a string is expected" in error.what
    assert error.where.endswith("3")
    assert "nested: text" in error.remedy
    kept = pl.concat(Reader(nested="text").frames(file, rows=1000), how="diagonal_relaxed")
    assert kept["note"].to_list() == ["x", "y", json.dumps(value)]


def test_a_text_that_is_an_object_in_every_row_is_refused_too(tmp_path: Path) -> None:
    assert "'text'" in broken(write(tmp_path, '{"text": {"body": "a"}}\n{"text": {"body": "b"}}\n')).what
    assert read(write(tmp_path, '{"text": "{}", "meta": {"a": 1}}\n'))["text"].to_list() == ["{}"]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert "empty" in broken(write(tmp_path, "")).what


def test_objects_that_are_kept_have_their_own_keys_alone(tmp_path: Path) -> None:
    """As a table, each would have those of all others: CLUENER's labels are thousands of names."""
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(f'{{"text": "t{n}", "label": {{"name": {{"n{n}": [[0, 1]]}}}}}}\n' for n in range(50)))
    kept = pl.concat(Reader(nested="text").frames(file, rows=1000))
    assert json.loads(kept["label"][7]) == {"name": {"n7": [[0, 1]]}}
