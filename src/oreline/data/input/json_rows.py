"""Rows from JSON values: one array read a value at a time, and frames of values whose types differ."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl

from oreline.data.input import decoding
from oreline.data.input.row_encodings import text_blocks
from oreline.errors import DataError

Nested = Literal["refuse", "text"]
LONE_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
_OBJECT_INSIDE = re.compile(rb"[:\[,]\s*\{")
_SPACE = re.compile(r"[ \t\r\n]*")


def record(value: Any, source: bytes, where: str) -> dict[str, Any]:
    """Return a JSON value that is to be a row. Raises `DataError` for one that is no object, or no text."""
    if not isinstance(value, dict):
        raise DataError(
            f"the row holds a {type(value).__name__}, not an object",
            where=where,
            allowed='objects: {"text": "…", "label": "…"}',
            remedy="correct it, or remove it",
        )
    if LONE_SURROGATE.search(source):
        raise DataError(
            "the row holds half of a surrogate pair, which is no character",
            where=where,
            remedy="write the file as UTF-8, with characters above U+FFFF whole",
        )
    return value


def array_records(path: Path, encodings: Sequence[str] = ()) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the objects of a file that is one JSON array, each with its place; never more than one is held.

    Raises `DataError` naming the element at fault, and `CutOffError` where a compressed file breaks off.
    """
    text = _Growing(path, encodings)
    scan = json.JSONDecoder().raw_decode
    text.skip("[")
    number = 0
    while text.peek() != "]":
        number += 1
        where = f"{path}, element {number}"
        if number > 1:
            if text.peek() != ",":
                raise _broken("no comma stands between two elements", where)
            text.skip(",")
        try:
            value, source = text.value(scan)
        except (ValueError, RecursionError) as error:
            raise _broken(str(error), where) from error
        yield record(value, source, where), where
    text.skip("]")
    if text.peek():
        raise _broken(f"after the end of the array stands {text.peek()!r}", f"{path}, after element {number}")


class _Growing:
    """The text of a file as far as it is needed."""

    def __init__(self, path: Path, encodings: Sequence[str]) -> None:
        self._path = path
        self._blocks = text_blocks(path, encodings)
        self._text, self._at = "", 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()  # a block may end within a character

    def peek(self) -> str:
        """Return the next character that is no white space; nothing at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text) or not self._grow():
                return self._text[self._at : self._at + 1]

    def skip(self, expected: str) -> None:
        """Go past the next character."""
        if self.peek() != expected:
            raise _broken(f"{expected!r} was expected", str(self._path))
        self._at += 1

    def value(self, scan: Any) -> tuple[Any, bytes]:
        """Return the next value and its source. Raises `ValueError` when there is none, or one above 16 MB."""
        self.peek()
        while True:
            try:
                value, end = scan(self._text, self._at)
                if end == len(self._text) and self._grow():
                    continue  # a number may go on
            except ValueError:
                if len(self._text) - self._at > decoding.MAX_ROW_BYTES or not self._grow():
                    raise
                continue
            source = self._text[self._at : end]
            self._at = end
            return value, source.encode() if "\\u" in source else b""

    def _grow(self) -> bool:
        try:
            block = next(self._blocks, None)
        except decoding.UndecodableError as error:
            raise decoding.undecodable(error, str(self._path)) from error
        if block is None:
            return False
        self._text, self._at = self._text[self._at :] + self._decoder.decode(block), 0
        return True


def _broken(what: str, where: str) -> DataError:
    return DataError(
        f"the file is not JSON: {what}",
        where=where,
        allowed='one array of objects: [{"text": "…"}, …], or JSON Lines: one object a line',
        remedy="correct it there, or write it again",
    )


class Frames:
    """Makes frames of rows. An object among strings, or where a column's name promises a string, is not passed over.

    Args:
        nested: `refuse` such objects, or make them JSON `text`, as objects and lists of other columns are made: their
            shape changes from row to row, and a column's type must not.
    """

    def __init__(self, nested: Nested) -> None:
        self._refuses = nested == "refuse"
        self._strings = {"text", "text_pair", "label"}
        """Columns that hold strings, by their name or by what was seen of them."""

    def keeps_objects(self, block: bytes) -> bool:
        """Whether a block has objects that are to be text: as a table, each would have the keys of all others."""
        return not self._refuses and bool(_OBJECT_INSIDE.search(block))

    def made(self, records: Sequence[dict[str, Any]], places: Sequence[str]) -> pl.DataFrame:
        """Return rows as a frame. Raises `DataError` naming the first row with an object in place of a string."""
        columns = dict.fromkeys(name for row in records for name in row)
        return pl.DataFrame([self._column(name, [row.get(name) for row in records], places) for name in columns])

    def flat(self, frame: pl.DataFrame, block: bytes) -> pl.DataFrame | None:
        """Return a frame that Polars made of a block, without nesting; None when its rows have to be looked at."""
        if self._refuses and _OBJECT_INSIDE.search(block) and self._may_refuse(frame):
            return None
        self._strings.update(name for name, dtype in frame.schema.items() if dtype == pl.String)
        nested = [name for name, dtype in frame.schema.items() if dtype.is_nested() and not _is_plain_list(dtype)]
        return frame.with_columns(series(name, frame[name].to_list()) for name in nested)

    def _may_refuse(self, frame: pl.DataFrame) -> bool:
        if any(dtype == pl.Struct and name in self._strings for name, dtype in frame.schema.items()):
            return True
        strings = pl.col([name for name, dtype in frame.schema.items() if dtype == pl.String])
        found = frame.select(strings.str.starts_with("{").any())
        return any(found.row(0)) if found.width else False

    def _column(self, name: str, values: Sequence[Any], places: Sequence[str]) -> pl.Series:
        if any(isinstance(value, str) for value in values):
            self._strings.add(name)
        at = next((number for number, value in enumerate(values) if isinstance(value, dict)), None)
        if self._refuses and at is not None and name in self._strings:
            keys = ", ".join(map(repr, list(values[at])[:5]))
            raise DataError(
                f"an object with the keys {keys} stands in the column {name!r}, where a string is expected",
                where=places[at],
                allowed="a string, a number, true, false or null",
                remedy="take out the value that is the text; or keep such cells as JSON: {path: FILE, nested: text}",
            )
        return series(name, values)


def series(name: str, values: Sequence[Any]) -> pl.Series:
    """Return a column of values of mixed types: of one type where they allow it, as text where they do not."""
    plain = [json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value for value in values]
    try:
        return pl.Series(name, plain, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in plain]
        return pl.Series(name, texts, dtype=pl.String)


def _is_plain_list(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.List) and not pl.List(dtype.inner).inner.is_nested()
