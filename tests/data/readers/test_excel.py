"""Workbooks."""

from __future__ import annotations

import zipfile
from pathlib import Path

import polars as pl
import pytest
from tests.data.written import Date, Formula, ods, xlsx

from oreline.data.readers import excel
from oreline.data.readers.excel import Reader
from oreline.errors import DataError


def read(file: Path, **options: str) -> pl.DataFrame:
    return pl.concat(Reader(**options).frames(file, rows=100))


def test_cells_become_text_dates_iso_and_formulas_their_values(tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    rows = [
        ["text", "stars", "day", "sum", "is_new", "mixed"],
        ["这部电影很好看", 5, Date(46027), Formula("=1+1|2"), True, "x"],
        ["a < b & c", 4.5, None, Formula("=2+1|3"), False, 3],
        [None, None, None, None, None, None],
        ["  ", 1, Date(46027.5), 7, None, "#N/A"],
    ]
    xlsx(file, {"Sheet1": rows})
    frame = read(file)
    assert frame.columns == rows[0]
    assert set(frame.dtypes) == {pl.String}
    assert frame["text"].to_list() == ["这部电影很好看", "a < b & c", None]
    assert frame["stars"].to_list() == ["5", "4.5", "1"]
    assert frame["day"].to_list() == ["2026-01-05", None, "2026-01-05T12:00:00"]
    assert frame["sum"].to_list() == ["2", "3", "7"]
    assert frame["is_new"].to_list() == ["true", "false", None]
    assert frame["mixed"].to_list() == ["x", "3", None]


def test_a_sheet_by_its_name_and_what_was_not_read_is_said(tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    xlsx(file, {"empty": [], "one": [["text"], ["a"]], "二": [["text"], ["b"]]})
    reader = Reader()
    assert pl.concat(reader.frames(file, rows=9))["text"].to_list() == ["a"]
    assert reader.notes == ["the sheet 'one' was read, not 'empty', '二'; name one by `sheet`"]
    assert read(file, sheet="二")["text"].to_list() == ["b"]
    with pytest.raises(DataError, match="no sheet 'two'") as caught:
        read(file, sheet="two")
    assert "one" in caught.value.allowed


def test_names_that_are_missing_or_given_twice(tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    xlsx(file, {"s": [[None, None], ["text", None, "text", None], ["a", "b", "c", None]]})
    assert read(file).row(0, named=True) == {"text": "a", "column_2": "b", "text_3": "c"}


def test_an_opendocument_sheet(tmp_path: Path) -> None:
    file = tmp_path / "a.ods"
    ods(file, [["text", "label"], ["好", "x"], ["b", "y"]])
    assert read(file).rows() == [("好", "x"), ("b", "y")]


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(3 << 20))
    monkeypatch.setattr(excel, "_RATIO_FROM_BYTES", 1 << 20)
    with pytest.raises(DataError, match="decompression bomb"):
        read(file)


def test_a_zip_that_is_no_workbook(tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(DataError, match="cannot be read as a workbook"):
        read(file)
    file.write_bytes(b"text,label\na,b\n")
    with pytest.raises(DataError, match="does not begin as one"):
        read(file)
