"""Rows from JSON values: one array read a value at a time, and frames of values whose types differ."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import polars as pl

from oreline.data.input import decoding
from oreline.data.input.row_encodings import text_blocks
from oreline.errors import DataError

Nested = Literal["refuse", "text"]
LONE_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
_OBJECT_INSIDE = re.compile(rb"[:\[,]\s*\{")
_ANSWER = "target_text"
_LISTED_ANSWER = re.compile(rb'"target_text"\s*:\s*\[')
_TEXTS = ("text", "text_pair")
_LISTED_TEXT = re.compile(rb'"text(?:_pair)?"\s*:\s*\[')
_LONGEST_TOKEN = 1000
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
    refuse_halves(source, where)
    return value


def refuse_halves(source: bytes, where: str) -> None:
    """Raise `DataError` where a JSON source escapes half of a surrogate pair."""
    if LONE_SURROGATE.search(source):
        raise DataError(
            "the row holds half of a surrogate pair, which is no character",
            where=where,
            remedy="write the file as UTF-8, with characters above U+FFFF whole",
        )


class Element(NamedTuple):
    """One object of an array."""

    value: dict[str, Any]
    place: str
    num_characters: int
    """As it is written."""


def array_records(path: Path, encodings: Sequence[str] = ()) -> Iterator[Element]:
    """Yield the objects of a file that is one JSON array; never more than one is held.

    Raises `DataError` naming the element at fault, and `CutOffError` where a compressed file breaks off.
    """
    text = Growing(path, encodings)
    text.skip("[")
    number = 0
    while text.peek() != "]":
        number += 1
        where = text.where = f"{path}, element {number}"
        if number > 1:
            if text.peek() != ",":
                raise _broken("no comma stands between two elements", where)
            text.skip(",")
        value, source = text.value()
        yield Element(record(value, source, where), where, text.num_characters)
    text.skip("]")
    if text.peek():
        raise _broken(f"after the end of the array stands {text.peek()!r}", f"{path}, after element {number}")


class Growing:
    """The text of a JSON file as far as it is needed, read a value at a time.

    Its methods raise `CutOffError` where a compressed file breaks off, and `DataError` for bytes that are no text.
    """

    def __init__(self, path: Path, encodings: Sequence[str] = ()) -> None:
        self.where = str(path)
        """What is being read, for messages."""
        self.num_characters = 0
        """Of the last value, as it is written."""
        self._blocks = text_blocks(path, encodings)
        self._text, self._at = "", 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()  # a block may end within a character
        self._scan = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        """Return the next character that is no white space; nothing at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text) or not self._grow():
                return self._text[self._at : self._at + 1]

    def skip(self, expected: str) -> None:
        """Go past the next character. Raises `DataError` when it is another one."""
        if self.peek() != expected:
            raise _broken(f"{expected!r} was expected", self.where)
        self._at += 1

    def value(self) -> tuple[Any, bytes]:
        """Return the next value and its source. Raises `DataError` when there is none, or one above 16 MB."""
        self.peek()
        while True:
            try:
                value, end = self._scan(self._text, self._at)
                if end == len(self._text) and self._grow():
                    continue  # a number may go on
            except RecursionError as error:
                raise _broken(str(error), self.where) from error
            except ValueError as error:
                if len(self._text) - self._at > decoding.MAX_ROW_BYTES and _is_unfinished(error, self._text):
                    raise decoding.too_long(self.where, remedy="leave it out of the file, or cut it") from error
                if len(self._text) - self._at > decoding.MAX_ROW_BYTES or not self._grow():
                    raise _broken(str(error), self.where) from error
                continue
            written = self._text[self._at : end]
            source = written.encode() if "\\u" in written else b""
            refuse_halves(source, self.where)
            self.num_characters = end - self._at
            self._at = end
            return value, source

    def keys(self) -> Iterator[str]:
        """Yield the keys of an object; whoever asks reads the value of each before the next one."""
        self.skip("{")
        while self.peek() != "}":
            key, _ = self.value()
            if not isinstance(key, str):
                raise _broken(f"{str(key)[:80]} stands where a key was expected", self.where)
            self.skip(":")
            yield key
            if self.peek() != "}":
                self.skip(",")
        self.skip("}")

    def places(self) -> Iterator[int]:
        """Yield the numbers of an array's values, from 1; whoever asks reads each before the next one."""
        self.skip("[")
        number = 0
        while self.peek() != "]":
            number += 1
            yield number
            if self.peek() != "]":
                self.skip(",")
        self.skip("]")

    def _grow(self) -> bool:
        try:
            block = next(self._blocks, None)
        except decoding.UndecodableError as error:
            raise decoding.undecodable(error, self.where) from error
        if block is None:
            return False
        self._text, self._at = self._text[self._at :] + self._decoder.decode(block), 0
        return True


def _is_unfinished(error: ValueError, text: str) -> bool:
    """Whether a value may go on behind the text: a string that is open, or something that the text's end cuts."""
    return "Unterminated" in str(error) or len(text) - getattr(error, "pos", len(text)) < _LONGEST_TOKEN


def _broken(what: str, where: str) -> DataError:
    return DataError(
        f"the file is not JSON: {what}",
        where=where,
        allowed='one array of objects: [{"text": "…"}, …], or JSON Lines: one object a line',
        remedy="correct it there, or write it again",
    )


class Frames:
    """Makes frames of rows. An object among strings, or where a column's name promises a string, is not passed over.

    Nor is a list of answers in `target_text`, of which nobody can know which one is meant, or a list among texts (texts
    that are all lists are words).

    Args:
        nested: `refuse` such objects and lists, or make them JSON `text`, as those of other columns are made: their
            shape changes from row to row, and a column's type must not.
    """

    def __init__(self, nested: Nested) -> None:
        self._refuses = nested == "refuse"
        self._strings = {"text", "text_pair", "label"}
        """Columns that hold strings, by their name or by what was seen of them."""
        self._kinds: dict[str, type] = {}
        """What the first value of `text` and `text_pair` was, a string or a list of words."""

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
        if self._refuses and _LISTED_ANSWER.search(block):
            return None
        strings = {name for name, dtype in frame.schema.items() if dtype == pl.String}
        if self._refuses and _LISTED_TEXT.search(block) and strings.intersection(_TEXTS):
            return None
        lists = {name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)}
        kinds = {name: kind for kind, names in ((str, strings), (list, lists)) for name in names.intersection(_TEXTS)}
        if self._refuses and any(self._kinds.setdefault(name, kind) is not kind for name, kind in kinds.items()):
            return None
        self._strings |= strings
        nested = [
            name
            for name, dtype in frame.schema.items()
            if dtype.is_nested() and (name == _ANSWER or not _is_plain_list(dtype))
        ]
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
        at = next((number for number, value in enumerate(values) if isinstance(value, list)), None)
        if self._refuses and at is not None and name == _ANSWER:
            raise DataError(
                f"a list stands in the column {name!r}: {json.dumps(values[at], ensure_ascii=False)[:80]}",
                where=places[at],
                allowed="one text for each row",
                remedy="give each answer a row of its own; or keep such cells as JSON: {path: FILE, nested: text}",
            )
        if self._refuses and name in _TEXTS:
            self._refuse_mixed(name, values, places)
        return series(name, values)

    def _refuse_mixed(self, name: str, values: Sequence[Any], places: Sequence[str]) -> None:
        for value, place in zip(values, places, strict=True):
            if not isinstance(value, str | list):
                continue
            kind = self._kinds.setdefault(name, type(value))
            if not isinstance(value, kind):
                found, others = ("a list", "texts") if kind is str else ("a text", "lists of words")
                raise DataError(
                    f"{found} stands among the {others} of the column {name!r}: "
                    f"{json.dumps(value, ensure_ascii=False)[:80]}",
                    where=place,
                    allowed="a text in each row, or a list of words in each",
                    remedy="make that row like the others; or keep lists as JSON: {path: FILE, nested: text}",
                )


def series(name: str, values: Sequence[Any]) -> pl.Series:
    """Return a column of values of mixed types: of one type where they allow it, as text where they do not.

    What is no number (NaN) is nothing among texts.
    """
    plain = [json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value for value in values]
    try:
        return pl.Series(name, plain, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        plain = [None if is_nan(value) else value for value in plain]
        texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in plain]
        return pl.Series(name, texts, dtype=pl.String)


def is_nan(value: Any) -> bool:
    """Whether a value is a number that is none."""
    return isinstance(value, float) and value != value


def _is_plain_list(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.List) and not pl.List(dtype.inner).inner.is_nested()
