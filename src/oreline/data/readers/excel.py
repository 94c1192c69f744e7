"""Workbooks of spreadsheets."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from oreline.data.input.json_rows import series
from oreline.errors import DataError, did_you_mean

_MAX_BYTES = 1 << 30
"""Of a workbook, unpacked: a sheet is held in memory, and Excel itself ends at a million rows."""
_MAX_RATIO = 500
_RATIO_FROM_BYTES = 64 << 20
_DATETIME = r"^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})$"
_MIDNIGHT = r"^(\d{4}-\d{2}-\d{2}) 00:00:00$"
"""How the library writes dates in a column that holds other values, too, such as its title."""
_NO_VALUE = re.compile(
    rb'<c\b(?![^>]*\bt="str")[^>]*>\s*<f(?:\s[^>]*)?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>'
)
_MAX_CELL_BYTES = 1 << 20
_BOOK, _LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_ZIP, _CFB = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


class Reader:
    """A sheet of an Excel or OpenDocument workbook; the first row names the columns, formulas are their values.

    Dates become ISO 8601 text, empty cells null, and what is an error in the sheet (`#N/A`) null as well. Of merged
    cells the first one has the value. Formulas are not computed and macros never run; in `.xlsx` and `.xlsm`, merged
    cells and formulas whose value was not saved are counted and said. A sheet is held in memory, all at once.

    Args:
        sheet: name of the sheet; the first one that holds rows when not given.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".xlsx", ".xls", ".ods", ".xlsm", ".xlsb")

    def __init__(self, *, sheet: str | None = None) -> None:
        self._sheet = sheet
        self.notes: list[str] = []
        """What was left out, once all is read."""

    def frames(self, path: Path, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the rows in frames of at most `rows`. Raises `DataError` for a file that is no workbook, or damaged."""
        import fastexcel

        _check(path)
        try:
            workbook = fastexcel.read_excel(path)
            frame = self._chosen(workbook, path)
        except (fastexcel.FastExcelError, zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, OSError) as error:
            raise _damaged(path, str(error)) from error
        except BaseException as error:  # a panic of the library is no Exception
            if type(error).__name__ != "PanicException":
                raise
            raise _damaged(path, "its structure is broken") from error
        yield from frame.iter_slices(rows)

    def _chosen(self, workbook: Any, path: Path) -> pl.DataFrame:
        names = list(workbook.sheet_names)
        if self._sheet is not None and self._sheet not in names:
            raise DataError(
                f"there is no sheet {self._sheet!r}", where=str(path), allowed=did_you_mean(self._sheet, names)
            )
        for name in names if self._sheet is None else [self._sheet]:
            frame = _rows_of(workbook, name)
            if not frame.height:
                continue
            others = [other for other in names if other != name]
            if self._sheet is None and others:
                self.notes.append(
                    f"the sheet {name!r} was read, not {', '.join(map(repr, others[:10]))}; name one by `sheet`"
                )
            self.notes += _lost(path, names.index(name))
            return frame
        return pl.DataFrame()


def _rows_of(workbook: Any, name: str) -> pl.DataFrame:
    """Return the rows below the first one that is not empty, as text."""
    table = workbook.load_sheet(name, header_row=None, schema_sample_rows=None)
    cells = [_texts(column) for column in table.to_polars().iter_columns()]
    if not cells:
        return pl.DataFrame()
    frame = pl.DataFrame([column.rename(str(number)) for number, column in enumerate(cells)])
    frame = frame.filter(pl.any_horizontal(pl.all().is_not_null()))
    if frame.height < 2:
        return pl.DataFrame()
    header = [str(value).strip() if value is not None else "" for value in frame.row(0)]
    body = frame.slice(1)
    names: dict[str, str] = {}
    for number, (title, column) in enumerate(zip(header, frame.columns), start=1):
        if not title and body[column].null_count() == body.height:
            continue
        title = title or f"column_{number}"
        names[column] = title if title not in names.values() else f"{title}_{number}"
    return body.select(pl.col(column).alias(title) for column, title in names.items())


def _lost(path: Path, number: int) -> list[str]:
    """Say which cells of a sheet have no value though they show one; only what is XML is looked at.

    Args:
        path: the workbook.
        number: of the sheet, from 0.
    """
    if not zipfile.is_zipfile(path):
        return []
    with zipfile.ZipFile(path) as archive:
        part = _part_of(archive, number)
        if part not in archive.namelist():
            return []
        num_formulas = num_merged = 0
        held = b""
        with archive.open(part) as stream:
            while block := stream.read(1 << 20):
                held += block
                end = held.rfind(b">") + 1
                cut = held.rfind(b"<c ", 0, end)
                end = end if cut < 0 or b"</c>" in held[cut:end] else cut  # a cell stays whole
                num_formulas += len(_NO_VALUE.findall(held, 0, end))
                num_merged += held.count(b"<mergeCell ", 0, end)
                held = held[end:] if len(held) - end <= _MAX_CELL_BYTES else b""
    notes = []
    if num_formulas:
        notes.append(
            f"{num_formulas:,} formulas have no value, since the program that wrote the file did not compute them; "
            "open and save it in a spreadsheet program"
        )
    if num_merged:
        notes.append(
            f"{num_merged:,} ranges of cells are merged: the first cell of each has the value, the others none"
        )
    return notes


def _part_of(archive: zipfile.ZipFile, number: int) -> str:
    """Return where a sheet lies in a workbook of XML; empty where that is not said."""
    if not {_BOOK, _LINKS} <= set(archive.namelist()):
        return ""
    sheets = re.findall(rb'<(?:\w+:)?sheet\b[^>]*?\br?:?id="([^"]+)"', archive.read(_BOOK))
    for link in re.findall(rb"<(?:\w+:)?Relationship\b[^>]*>", archive.read(_LINKS)):
        given = dict(re.findall(rb'(\w+)="([^"]*)"', link))
        if number < len(sheets) and given.get(b"Id") == sheets[number]:
            target = given.get(b"Target", b"").decode("utf-8", "replace")
            return target[1:] if target.startswith("/") else f"xl/{target}"
    return ""


def _texts(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Datetime:
        text = column.dt.to_string("%Y-%m-%dT%H:%M:%S").str.strip_suffix("T00:00:00")
    elif column.dtype.is_float():
        whole = column.is_finite() & (column == column.floor()) & (column.abs() < 1e15)
        text = pl.select(
            pl.when(whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(column.cast(pl.String))
        ).to_series()
    elif column.dtype == pl.Null:
        text = pl.Series([None] * len(column), dtype=pl.String)
    else:
        text = column.cast(pl.String, strict=False)
        text = text.str.replace(_MIDNIGHT, "${1}").str.replace(_DATETIME, "${1}T${2}")
    blank = text.str.strip_chars() == ""
    return series(column.name, pl.select(pl.when(blank).then(None).otherwise(text)).to_series().to_list()).cast(
        pl.String
    )


def _check(path: Path) -> None:
    """Raise `DataError` for what is no workbook, or grows beyond reason when it is unpacked."""
    with path.open("rb") as stream:
        head = stream.read(4)
    if not head:
        raise DataError("the file is empty", where=str(path), remedy="check how it was written, or leave it out")
    if head == _CFB:
        return
    if head != _ZIP:
        raise _damaged(path, "it does not begin as one")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _damaged(path, str(error)) from error
    if size > _MAX_BYTES or (size > _RATIO_FROM_BYTES and size > _MAX_RATIO * path.stat().st_size):
        raise DataError(
            f"the workbook is a decompression bomb: it unpacks to {size >> 20:,} MB",
            where=str(path),
            allowed=f"{_MAX_BYTES >> 20:,} MB, and {_MAX_RATIO} bytes for each of the file",
            remedy="save the sheet as CSV",
        )


def _damaged(path: Path, why: str) -> DataError:
    return DataError(
        f"the file cannot be read as a workbook: {why.splitlines()[0][:200] if why else 'it is damaged'}",
        where=str(path),
        remedy="open it and save it again, or save the sheet as CSV",
    )
