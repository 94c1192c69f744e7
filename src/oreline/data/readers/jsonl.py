"""JSON Lines, one object a line; and JSON files that are one array of objects."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from oreline.data.input.compressed import batches
from oreline.data.input.json_rows import LONE_SURROGATE, Frames, Nested, array_records, record
from oreline.data.input.row_encodings import line_blocks, text_blocks
from oreline.errors import DataError


class Reader:
    """One JSON object a line, or one JSON array of objects; lists and objects inside objects become JSON text.

    A block that Polars' parser refuses is read again line by line, which allows `NaN` and names the line at fault. One
    object of an array is parsed at a time, so that its size does not matter.

    Args:
        nested: what an object is among strings, or in a column named `text`, `text_pair` or `label`, or a list in
            `target_text` or among texts: refused, or JSON text as it is everywhere else.
        encodings: codecs that each row is tried with, in order; none: the file has one encoding, which is detected.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".json")
    unpacks: ClassVar[bool] = True

    def __init__(self, *, nested: Nested = "refuse", encodings: Sequence[str] = ()) -> None:
        self._nested, self._encodings = nested, encodings

    def frames(self, path: Path, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the objects in frames of at most `rows`. Raises `DataError` naming the line or element at fault."""
        if self._is_array(path):
            yield from self._array(path, rows)
            return
        made = Frames(self._nested)
        num_lines = 0
        for block in line_blocks(path, self._encodings):
            frame = _parse_fast(block, made)
            if frame is None:
                frame = _parse_strictly(block, made, path, num_lines)
            num_lines += block.count(b"\n")
            yield from frame.iter_slices(rows)

    def _is_array(self, path: Path) -> bool:
        """Whether an array begins the file; its lines are not those of JSON Lines, and may be of any length."""
        head = next(text_blocks(path, self._encodings), b"")
        return head.lstrip(b" \t\r\n\xef\xbb\xbf")[:1] == b"["

    def _array(self, path: Path, rows: int) -> Iterator[pl.DataFrame]:
        made = Frames(self._nested)
        for part in batches(array_records(path, self._encodings), rows, weigh=lambda element: element.num_characters):
            yield made.made([element.value for element in part], [element.place for element in part])


def _parse_fast(block: bytes, made: Frames) -> pl.DataFrame | None:
    if LONE_SURROGATE.search(block) or made.keeps_objects(block):
        return None  # Polars would store what is no character, or give an object the keys of all others
    try:
        return made.flat(pl.read_ndjson(io.BytesIO(block), infer_schema_length=None), block)
    except pl.exceptions.PolarsError:
        return None


def _parse_strictly(block: bytes, made: Frames, path: Path, num_lines: int) -> pl.DataFrame:
    records, places = [], []
    for number, line in enumerate(block.split(b"\n"), start=num_lines + 1):
        if line.strip():
            places.append(f"{path}, line {number}")
            records.append(_record(line, places[-1]))
    return made.made(records, places)


def _record(line: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        is_open = line.strip() == b"{"  # one object, written over many lines
        raise DataError(
            "the file is one object over several lines" if is_open else f"the line is not JSON: {error}",
            where=where,
            allowed="JSON Lines, one object a line; or one array of objects" if is_open else "",
            remedy="take the list of rows out of it: jq .KEY FILE > NEW.json"
            if is_open
            else "correct that line, or remove it",
        ) from error
    return record(value, line, where)
