"""Workbooks."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
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


@pytest.mark.parametrize("name", ["book.xls", "book.xlsb"])
def test_binary_workbooks(name: str) -> None:
    """The one of 1997 and the binary one of 2007, written once by libraries for them; their first sheet is empty."""
    reader = Reader()
    frame = pl.concat(reader.frames(Path(__file__).with_name(name), rows=100))
    assert reader.notes == ["the sheet '评论' was read, not 'empty', 'two'; name one by `sheet`"]
    assert frame["text"].to_list() == ["这部电影很好看", "a < b & c", None]
    assert frame["stars"].to_list() == ["5", "4.5", "1"]
    assert frame["day"].to_list() == ["2026-01-05", None, "2026-01-05T12:00:00"]
    assert frame["is_new"].to_list() == ["true", "false", None]
    assert read(Path(__file__).with_name(name), sheet="two").rows() == [("b",)]
    with pytest.raises(DataError, match="no sheet"):
        read(Path(__file__).with_name(name), sheet="three")
    if name == "book.xls":  # the other's writer knows neither
        assert frame["sum"].to_list() == ["2", "3", "7"]
        assert frame["kind"].to_list() == ["merged", None, None]


@pytest.mark.parametrize("name", ["book.xls", "book.xlsb"])
def test_damaged_binary_workbooks_are_an_error_or_other_text(name: str, tmp_path: Path) -> None:
    whole = Path(__file__).with_name(name).read_bytes()
    chance = random.Random(name)
    for number in range(60):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 8)):
            data[chance.randrange(len(data))] = chance.choice([0, 0xFF, chance.randrange(256)])
        file = tmp_path / name
        file.write_bytes(data[: chance.randrange(len(data)) if number % 3 == 0 else len(data)])
        try:
            num_rows, where = sum(part.height for part in Reader().frames(file, rows=100)), str(file)
        except DataError as error:
            num_rows, where = 0, error.where
        assert num_rows < 100_000
        assert str(file) in where


def rewritten(file: Path, target: Path, change: Callable[[str, bytes], bytes], **more: bytes) -> Path:
    """Write a workbook again with its parts changed, and with more of them."""
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(target, "w") as archive:
        for name in source.namelist():
            archive.writestr(name, change(name, source.read(name)))
        for name, content in more.items():
            archive.writestr(name.replace("__", "/"), content)
    return target


def test_macros_are_left_alone(tmp_path: Path) -> None:
    plain = tmp_path / "a.xlsx"
    xlsx(plain, {"s": [["text", "label"], ["好", "x"]]})

    def with_macros(name: str, content: bytes) -> bytes:
        return content.replace(b"spreadsheetml.sheet.main+xml", b"vnd.ms-excel.sheet.macroEnabled.main+xml")

    file = rewritten(plain, tmp_path / "a.xlsm", with_macros, **{"xl__vbaProject.bin": b"\xd0\xcf\x11\xe0 no macros"})
    assert read(file).rows() == [("好", "x")]


def test_merged_cells_and_formulas_without_a_value_are_said(tmp_path: Path) -> None:
    plain = tmp_path / "a.xlsx"
    rows = [["text", "label"], ["好", "x"], [Formula("=A2|"), None], [Formula("=1+1|2"), None], [Formula("=A2|"), "y"]]
    xlsx(plain, {"one": [], "two": rows})

    def merged(name: str, content: bytes) -> bytes:
        cells = b'</sheetData><mergeCells count="1"><mergeCell ref="B2:B4"/></mergeCells>'
        empty = b'<row r="6"><c r="B6" t="str"><f>""</f><v></v></c></row>'
        return content.replace(b"</sheetData>", empty + cells) if name.endswith("sheet2.xml") else content

    reader = Reader()
    frame = pl.concat(reader.frames(rewritten(plain, tmp_path / "b.xlsx", merged), rows=9))
    assert frame.rows() == [("好", "x"), ("2", None), (None, "y")]
    assert [note.split(":")[0].split(",")[0] for note in reader.notes[1:]] == [
        "2 formulas have no value",
        "1 ranges of cells are merged",
    ]
