"""Rows in from a file or standard input, answers out as JSON Lines or CSV."""

from __future__ import annotations

import csv
import io
import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from oreline.errors import DataError, ResourceError, UsageError
from oreline.store import Artifact

if TYPE_CHECKING:
    import polars as pl

_PLAIN_SUFFIXES = {".txt", ".text"}
_JSON_SUFFIXES = {".jsonl", ".ndjson", ".json"}
_STDIN = "standard input"
_MAX_LINE_BYTES = 16 << 20
"""As for files that `refine` reads: a longer line is a file that lost its line ends, not a text."""


def read_rows(file: str, artifact: Artifact) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a file (`-` is standard input), columns named by role.

    Lines are read here, so that a pipe and an installation without the extra `data` work; other formats go
    through the readers. Raises `DataError` for a file without a row, and naming the line that is not UTF-8, not
    JSON or too long.
    """
    if file == "-":
        rows = _line_rows(sys.stdin.buffer, _STDIN, None)
    elif not ("*" in file or file.startswith("catalog:") or Path(file).exists() or _is_inside(Path(file))):
        raise DataError(f"there is no file {file!r}", remedy="check the path; - reads standard input")
    elif Path(file).suffix.lower() in _PLAIN_SUFFIXES | _JSON_SUFFIXES and not _is_inside(Path(file)):
        rows = _file_rows(Path(file))
    else:
        rows = _table_rows(file)
    return _by_role(rows, artifact)


def _is_inside(path: Path) -> bool:
    """Whether a path leads into a file: an archive."""
    return any(parent.is_file() for parent in path.parents)


def write_answers(answers: Iterable[Mapping[str, Any]], format_: str) -> None:
    """Print answers as they come. Raises `UsageError` for an unknown format."""
    if format_ == "jsonl":
        for answer in answers:
            sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
            sys.stdout.flush()
    elif format_ == "csv":
        _write_csv(answers)
    else:
        raise UsageError(f"unknown format {format_!r}", allowed="jsonl, csv")
    sys.stdout.flush()


def _write_csv(answers: Iterable[Mapping[str, Any]]) -> None:
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    columns: list[str] = []
    for answer in answers:
        flat = _flat(answer)
        if not columns:
            columns = list(flat)
            writer.writerow(columns)
        writer.writerow([_inert(flat.get(name)) for name in columns])
        sys.stdout.write(line.getvalue())
        line.seek(0)
        line.truncate()


def _flat(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer as cells: a column for each score, lists (labels, entities, tags) as JSON."""
    flat: dict[str, Any] = {"id": answer.get("id")}
    for name, value in answer.items():
        if name == "scores":
            flat |= {f"score {label}": score for label, score in value.items()}
        elif name != "truncated":
            flat[name] = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
    return flat


def _inert(value: Any) -> Any:
    """A cell that a spreadsheet would run as a formula gets a leading apostrophe."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _file_rows(file: Path) -> Iterator[Mapping[str, Any]]:
    try:
        stream = file.open("rb")
    except PermissionError as error:
        raise ResourceError(
            "no permission to read the file", where=str(file), remedy="ask its owner, or copy it"
        ) from error
    with stream:
        yield from _line_rows(stream, str(file), file.suffix.lower() in _JSON_SUFFIXES)


def _line_rows(stream: IO[bytes], place: str, is_json: bool | None) -> Iterator[Mapping[str, Any]]:
    """Yield one row a line; when `is_json` is None, the first line decides whether they are JSON objects."""
    num_rows = 0
    for number in itertools.count(1):
        if not (raw := stream.readline(_MAX_LINE_BYTES + 1)):
            break
        line = _decoded(raw, place, number)
        if is_json is None:
            is_json = line.lstrip().startswith("{")
        # `row_id` is the place that an error names; `id`, the line's number or the row's own, is in the answer.
        named = {"id": number, "row_id": f"{place}, line {number}"}
        if not is_json or line.strip():
            num_rows += 1
            yield {**named, **(_parsed(line, place, number) if is_json else {"text": line})}
    if num_rows == 0 and place != _STDIN:  # a pipe without rows is no mistake: the command before it found none
        raise DataError("the file is empty", where=place, remedy="check how it was written, or leave it out")


def _decoded(raw: bytes, place: str, number: int) -> str:
    if len(raw) > _MAX_LINE_BYTES:
        raise DataError(
            f"the line is longer than {_MAX_LINE_BYTES >> 20} MB",
            where=f"{place}, line {number}",
            allowed=f"lines of at most {_MAX_LINE_BYTES >> 20} MB",
            remedy="check that the file has line ends, and that this is the text that you mean",
        )
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(
            f"not UTF-8: byte 0x{raw[error.start]:02x} at position {error.start + 1}",
            where=f"{place}, line {number}",
            remedy="convert it: iconv -f GB18030 -t UTF-8, or give a .csv, whose encoding is detected",
        ) from error


def _parsed(line: str, place: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"not JSON: {error}",
            where=f"{place}, line {number}",
            allowed='one object a line: {"text": "…"}',
            remedy="correct that line, or remove it",
        ) from error
    if not isinstance(row, dict):
        raise DataError(
            f"a {type(row).__name__}, not an object",
            where=f"{place}, line {number}",
            allowed='one object a line: {"text": "…"}',
            remedy="correct that line, or remove it",
        )
    return row


def _table_rows(file: str) -> Iterator[Mapping[str, Any]]:
    from oreline.data.dataset import DATASET, Dataset
    from oreline.data.sources import frames

    if (Path(file) / DATASET).is_file():
        data = Dataset.open(file)
        parts: Iterator[pl.DataFrame] = (frame for split in data.splits for frame in data.batches(split))
    else:
        parts = frames(file)
    for frame in parts:
        yield from frame.iter_rows(named=True)


def _by_role(rows: Iterable[Mapping[str, Any]], artifact: Artifact) -> Iterator[Mapping[str, Any]]:
    """Name the columns that the model was trained with by their roles (`review` → `text`)."""
    renamed = {column: role for role, columns in artifact.manifest.columns.items() for column in columns}
    for row in rows:
        named = {renamed.get(name, name): value for name, value in row.items()}
        yield {**named, **{role: row[role] for role in artifact.manifest.columns if role in row}}
