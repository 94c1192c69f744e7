"""JSON Lines: one object a line."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from oreline.data.decoding import line_blocks
from oreline.errors import DataError

_LONE_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)


class Reader:
    """One JSON object a line; objects inside objects become JSON text.

    A block that Polars' parser refuses is read again line by line, which allows `NaN` and names the line at fault.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".json")

    def frames(self, path: Path, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the objects in frames of at most `rows`. Raises `DataError` naming the line at fault."""
        num_lines = 0
        for block in line_blocks(path):
            if num_lines == 0 and block.lstrip()[:1] == b"[":
                raise _is_array(path)
            frame = _parse_fast(block)
            if frame is None:
                frame = _parse_strictly(block, path, num_lines)
            num_lines += block.count(b"\n")
            yield from _flat(frame).iter_slices(rows)


def _parse_fast(block: bytes) -> pl.DataFrame | None:
    if _LONE_SURROGATE.search(block):
        return None  # Polars would store what is no character
    try:
        return pl.read_ndjson(io.BytesIO(block), infer_schema_length=None)
    except pl.exceptions.PolarsError:
        return None


def _parse_strictly(block: bytes, path: Path, num_lines: int) -> pl.DataFrame:
    records = []
    for number, line in enumerate(block.split(b"\n"), start=num_lines + 1):
        if line.strip():
            records.append(_record(line, f"{path}, line {number}"))
    columns = dict.fromkeys(name for record in records for name in record)
    return pl.DataFrame({name: _series(name, [record.get(name) for record in records]) for name in columns})


def _record(line: bytes, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"the line is not JSON: {error}", where=where, remedy="correct that line, or remove it"
        ) from error
    if not isinstance(record, dict):
        raise DataError(
            f"the line holds a {type(record).__name__}, not an object",
            where=where,
            allowed='one object a line: {"text": "…", "label": "…"}',
            remedy="correct that line, or remove it",
        )
    if _LONE_SURROGATE.search(line):
        raise DataError(
            "the line holds half of a surrogate pair, which is no character",
            where=where,
            remedy="write the file as UTF-8, with characters above U+FFFF whole",
        )
    return record


def _series(name: str, values: list[Any]) -> pl.Series:
    """Return a column of values of mixed types: of one type where they allow it, as text where they do not."""
    plain = [json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value for value in values]
    try:
        return pl.Series(name, plain, strict=True)
    except (TypeError, pl.exceptions.PolarsError):
        texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in plain]
        return pl.Series(name, texts, dtype=pl.String)


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Store nested values as JSON text: their shape changes from block to block, a column's type must not."""
    nested = [name for name, dtype in frame.schema.items() if dtype.is_nested() and not _is_plain_list(dtype)]
    return frame.with_columns(_series(name, frame[name].to_list()) for name in nested)


def _is_plain_list(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.List) and not pl.List(dtype.inner).inner.is_nested()


def _is_array(path: Path) -> DataError:
    return DataError(
        "the file is one JSON array, which cannot be read a line at a time",
        where=str(path),
        allowed="JSON Lines: one object a line",
        remedy=f"convert it: jq -c '.[]' {path.name} > {path.stem}-lines.jsonl",  # never the file itself
    )
