"""Delimited text: CSV and TSV."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from oreline.data.input.decoding import MAX_ROW_BYTES, UndecodableError, too_long, undecodable
from oreline.data.input.dialect import Dialect, column_names, dialect_of, has_header
from oreline.data.input.row_encodings import text_blocks
from oreline.errors import DataError

_SAMPLE_BYTES = 256 << 10
_HEADER_ROWS = 200
"""Rows that decide whether the first one is a header."""
_QUOTE = ord('"')
_NO_QUOTES = np.zeros(0, np.int64)
_MARK_BEFORE_QUOTE = b'\n\xef\xbb\xbf"'


class Reader:
    """Delimited text; encoding, delimiter, quoting and header are detected.

    Every column is read as text and an empty cell as null: a type guessed from the first rows may not hold for
    the last. Blocks whose quoting is regular go through Arrow's parser; the others go through a strict one that
    names the row at fault. Memory does not grow with the file.

    Args:
        delimiter: the character between fields; detected when not given.
        header: whether the first row names the columns; detected when not given.
        encodings: codecs that each row is tried with, in order; none: the file has one encoding, which is detected.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".tab")
    unpacks: ClassVar[bool] = True

    def __init__(
        self, *, delimiter: str | None = None, header: bool | None = None, encodings: Sequence[str] = ()
    ) -> None:
        self._delimiter, self._header, self._encodings = delimiter, header, encodings

    def frames(self, path: Path, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the rows in frames of at most `rows`. Raises `DataError` naming the row at fault."""
        table = _Table(path, self._delimiter, self._header)
        for frame in table.blocks(text_blocks(path, self._encodings)):
            yield from frame.iter_slices(rows)


class _Table:
    """One pass over one file: its dialect, what has been read, and what is still pending."""

    def __init__(self, path: Path, delimiter: str | None, header: bool | None) -> None:
        self.path, self.delimiter, self.header = path, delimiter, header
        self.dialect = Dialect()
        self.names: list[str] = []
        self.num_rows = 0
        """Data rows parsed so far."""
        self.num_lines = 0
        """Lines of the file behind them."""

    def blocks(self, source: Iterator[bytes]) -> Iterator[pl.DataFrame]:
        pending = b""
        while (block := self._next(source)) is not None:
            data = _mended(pending + block)
            if not self.names and data:
                data = self._open(data)
            frame, pending = self._parse(data)
            if frame is not None:
                yield frame
            if len(pending) > MAX_ROW_BYTES:
                raise self._unfinished(pending)
        if pending.strip():
            frame, rest = self._parse(pending if pending.endswith(b"\n") else pending + b"\n")
            if frame is not None:
                yield frame
            if rest.strip():
                raise self._unfinished(rest)

    def _next(self, source: Iterator[bytes]) -> bytes | None:
        try:
            return next(source, None)
        except UndecodableError as error:
            raise undecodable(error, self._place(1)) from error

    def _open(self, data: bytes) -> bytes:
        """Learn dialect and column names from the first rows; return the data without the header."""
        sample = data[:_SAMPLE_BYTES]
        whole = sample[: sample.rfind(b"\n") + 1] or sample
        text = (whole if len(data) > _SAMPLE_BYTES else sample).decode("utf-8", "ignore")
        self.dialect = dialect_of(text) if self.delimiter is None else Dialect(self.delimiter)
        lines = io.StringIO(text, newline="").readlines()
        reader = self.dialect.reader(lines, strict=False)
        rows: list[list[str]] = []
        for row in reader:
            if row and not rows:
                header_lines = reader.line_num
            if row:
                rows.append(row)
            if len(rows) == _HEADER_ROWS:
                break
        is_header = has_header(rows) if self.header is None else self.header
        self.names = column_names(rows[0], header=is_header)
        if not is_header:
            return data
        self.num_lines = header_lines
        return data[len("".join(lines[:header_lines]).encode()) :]

    def _parse(self, data: bytes) -> tuple[pl.DataFrame | None, bytes]:
        """Return the complete rows and the bytes of the row that is not."""
        bytes_ = np.frombuffer(data, np.uint8)
        quotes = np.flatnonzero(bytes_ == _QUOTE) if self.dialect.quoted and _QUOTE in data else _NO_QUOTES
        if not self.dialect.is_plain or not _is_regular(bytes_, quotes, self.dialect.delimiter):
            return self._parse_strictly(data)
        end = _rows_end(data, bytes_, quotes)
        if end == 0:
            return None, data
        try:
            frame = self._parse_fast(data[:end])
        except pa.ArrowInvalid as error:
            strict, rest = self._parse_strictly(data[:end])  # finds the row at fault and raises
            if strict is None or rest:
                raise DataError(f"the file cannot be parsed: {error}", where=self._place(1)) from error
            return strict, data[end:]
        self._advance(frame.height, data.count(b"\n", 0, end))
        return frame, data[end:]

    def _parse_fast(self, data: bytes) -> pl.DataFrame:
        if data.startswith(codecs.BOM_UTF8):
            data = codecs.BOM_UTF8 + data  # Arrow skips one: here it is text
        table = pyarrow.csv.read_csv(
            pa.py_buffer(data),
            pyarrow.csv.ReadOptions(column_names=self.names, block_size=len(data) + 1),
            pyarrow.csv.ParseOptions(
                delimiter=self.dialect.delimiter,
                quote_char='"' if self.dialect.quoted else False,
                newlines_in_values=True,
            ),
            pyarrow.csv.ConvertOptions(
                check_utf8=False,  # the decoder has checked it
                column_types=dict.fromkeys(self.names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
        return pl.DataFrame(table)

    def _parse_strictly(self, data: bytes) -> tuple[pl.DataFrame | None, bytes]:
        """Parse with `csv.reader(strict=True)`: about a tenth of the speed, but it knows the row at fault."""
        csv.field_size_limit(2 * MAX_ROW_BYTES)
        end = data.rfind(b"\n") + 1
        lines = io.StringIO(data[:end].decode(), newline="").readlines()
        reader = self.dialect.reader(lines)
        rows: list[list[str]] = []
        num_lines = 0
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                if "unexpected end of data" in str(error):
                    break  # the last row goes on in the next block
                raise self._malformed(len(rows) + 1, num_lines + 1, str(error)) from error
            if row is None:
                break
            if row and len(row) != len(self.names):
                raise self._ragged(len(rows) + 1, num_lines + 1, len(row))
            if row:
                rows.append(row)
            num_lines = reader.line_num
        rest = "".join(lines[num_lines:]).encode() + data[end:]
        if not rows:
            return None, rest
        self._advance(len(rows), num_lines)
        frame = pl.DataFrame(rows, schema=dict.fromkeys(self.names, pl.String), orient="row")
        return frame.with_columns(pl.all().replace("", None)), rest

    def _advance(self, num_rows: int, num_lines: int) -> None:
        self.num_rows += num_rows
        self.num_lines += num_lines

    def _place(self, row: int, line: int | None = None) -> str:
        """Name a row, counted from the first that is not yet parsed."""
        return f"{self.path}, row {self.num_rows + row} (line {self.num_lines + (row if line is None else line)})"

    def _ragged(self, row: int, line: int, width: int) -> DataError:
        return DataError(
            f"the row has {width} fields, the header has {len(self.names)}",
            where=self._place(row, line),
            allowed=f"{len(self.names)} fields: {', '.join(self.names)}",
            remedy='put fields that hold the delimiter, quotes or line ends in quotes: "like this, for example"',
        )

    def _malformed(self, row: int, line: int, reason: str) -> DataError:
        return DataError(
            f"the quotes in the row are unbalanced ({reason})",
            where=self._place(row, line),
            allowed='a quoted field ends with a quote before the next delimiter; a quote inside it is doubled: ""',
            remedy="correct that row",
        )

    def _unfinished(self, data: bytes) -> DataError:
        if self.dialect.quoted and data.count(b'"') % 2:
            return DataError(
                "a quote that opens in this row is never closed",
                where=self._place(1),
                remedy='close the quote; a quote inside a quoted field is doubled: ""',
            )
        return too_long(self._place(1))


def _mended(data: bytes) -> bytes:
    """Drop byte-order marks between a line end and the quote that opens a row, left there by joining files.

    They would make the quote one within a field. Elsewhere they are text, which operators clean and record.
    """
    data = data[3:] if data.startswith(_MARK_BEFORE_QUOTE[1:]) else data
    if _MARK_BEFORE_QUOTE not in data:
        return data
    first, *others = data.split(_MARK_BEFORE_QUOTE)
    parts, num_quotes = [first], first.count(b'"')
    for part in others:
        parts += [b'\n"' if num_quotes % 2 == 0 else _MARK_BEFORE_QUOTE, part]
        num_quotes += 1 + part.count(b'"')
    return b"".join(parts)


def _is_regular(bytes_: NDArray[np.uint8], quotes: NDArray[np.int64], delimiter: str) -> bool:
    """Whether every quote opens a field at its start, closes it at its end, or is doubled inside."""
    if not len(quotes):
        return True
    is_edge = np.zeros(256, np.bool_)
    is_edge[np.frombuffer(b'\n\r"' + delimiter.encode(), np.uint8)] = True
    opening, closing = quotes[0::2], quotes[1::2]
    before = bytes_[np.maximum(opening - 1, 0)]
    after = bytes_[np.minimum(closing + 1, len(bytes_) - 1)]
    return bool(np.all(is_edge[before] | (opening == 0)) and np.all(is_edge[after]))


def _rows_end(data: bytes, bytes_: NDArray[np.uint8], quotes: NDArray[np.int64]) -> int:
    """Return the offset after the last line end that lies outside of quotes; 0 when there is none."""
    if not len(quotes):
        return data.rfind(b"\n") + 1
    newlines = np.flatnonzero(bytes_ == ord("\n"))
    outside = newlines[np.searchsorted(quotes, newlines) % 2 == 0]
    return int(outside[-1]) + 1 if len(outside) else 0
