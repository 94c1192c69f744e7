"""The CSV reader, against the standard library's as an oracle, and with every kind of broken file."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.data.input import decoding
from oreline.data.readers.csv import Reader
from oreline.errors import DataError


def read(file: Path, rows: int = 1000) -> pl.DataFrame:
    return pl.concat(Reader().frames(file, rows=rows))


def write(folder: Path, content: str | bytes) -> Path:
    file = folder / "data.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


CELLS = st.text(st.sampled_from(list("ab,\"' \n;x影é\u200b\ufeff")), max_size=8).filter(lambda cell: "\r" not in cell)


@settings(max_examples=150)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=12), st.integers(20, 400), st.booleans())
def test_rows_equal_those_of_the_standard_library(
    rows: list[tuple[str, str]], block_bytes: int, quote_all: bool
) -> None:
    """Whatever is in the cells and wherever blocks end, fast and strict parsing agree with `csv.reader`."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL, lineterminator="\n")
    writer.writerow(["text", "label"])
    writer.writerows(rows)
    expected = [tuple(cell or None for cell in row) for row in csv.reader(io.StringIO(stream.getvalue(), newline=""))]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "BLOCK_BYTES", block_bytes)
        file = write(Path(folder), stream.getvalue())
        frames = list(Reader(delimiter=",", header=True).frames(file, rows=5))
    assert all(frame.height <= 5 for frame in frames)
    assert [row for frame in frames for row in frame.iter_rows()] == expected[1:]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_read(tmp_path: Path, newline: str) -> None:
    lines = ["text,label", 'a,"x"', '"b, c",y', "d,z"]
    frame = read(write(tmp_path, newline.join(lines)))
    assert frame.rows() == [("a", "x"), ("b, c", "y"), ("d", "z")]


def test_line_ends_inside_fields_are_kept(tmp_path: Path) -> None:
    frame = read(write(tmp_path, 'text,label\n"one\ntwo\n\nthree",x\nb,y\n'))
    assert frame["text"].to_list() == ["one\ntwo\n\nthree", "b"]


def test_byte_order_marks_at_the_start_of_lines(tmp_path: Path) -> None:
    """Left there by joining files: before a quote the mark is dropped, elsewhere it is text that operators see."""
    frame = read(write(tmp_path, '\ufefftext,label\n\ufeff"a, b",x\n\ufeffc,y\n'))
    assert frame.rows() == [("a, b", "x"), ("\ufeffc", "y")]


def test_empty_cells_are_null_and_blank_lines_no_rows(tmp_path: Path) -> None:
    frame = read(write(tmp_path, 'text,label\n\na,\n"",x\n\n'))
    assert frame.rows() == [("a", None), (None, "x")]


def test_values_stay_text(tmp_path: Path) -> None:
    frame = read(write(tmp_path, "text,label\n007,1\n1e5,NA\n"))
    assert frame.rows() == [("007", "1"), ("1e5", "NA")]


def test_a_file_without_header_gets_numbered_columns(tmp_path: Path) -> None:
    frame = read(write(tmp_path, "a fine film,5\na dull film,1\nfine again,5\n"))
    assert frame.columns == ["column_1", "column_2"]
    assert frame.height == 3


def test_a_header_alone_yields_nothing(tmp_path: Path) -> None:
    assert list(Reader().frames(write(tmp_path, "text,label\n"), rows=10)) == []


def test_one_column_with_commas_in_the_text(tmp_path: Path) -> None:
    frame = read(write(tmp_path, "text\nWell, well, well\nno\n"))
    assert frame["text"].to_list() == ["Well, well, well", "no"]


def test_backslash_escapes_and_spaces_after_delimiters(tmp_path: Path) -> None:
    escaped = read(write(tmp_path, 'text,label\n"he said \\"no, never\\"",1\n"b, c",0\n'))
    assert escaped["text"].to_list() == ['he said "no, never"', "b, c"]
    spaced = read(write(tmp_path, 'text, label\n"a, b", "x"\n"c, d", "y"\n'))
    assert spaced.rows() == [("a, b", "x"), ("c, d", "y")]


def test_a_quote_within_an_unquoted_field_is_text(tmp_path: Path) -> None:
    frame = read(write(tmp_path, 'text,label\na 5" disk,x\n"b, c",y\n'))
    assert frame.rows() == [('a 5" disk', "x"), ("b, c", "y")]


# --- broken files ---------------------------------------------------------------------------------------------


def broken(file: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        for _ in Reader().frames(file, rows=1000):
            pass
    return caught.value


def rows_before(number: int) -> str:
    return "text,label\n" + "".join(f'"row {row}, fine",x\n' for row in range(1, number))


def test_broken_utf8_names_row_and_line(tmp_path: Path) -> None:
    content = rows_before(10_000).encode() + b'"row \xff10000",x\n' + b"more,y\n" * 9
    error = broken(write(tmp_path, content))
    assert "byte 0xff" in error.what
    assert error.where.endswith("data.csv, row 10000 (line 10001)")
    assert "iconv" in error.remedy


@pytest.mark.parametrize("end", ['"closed, again",y\n' * 50, "plain,y\n" * 50, ""], ids=["quotes", "plain", "last"])
def test_an_unbalanced_quote_names_the_row_it_opens_in(tmp_path: Path, end: str) -> None:
    error = broken(write(tmp_path, rows_before(5000) + '"row 5000 is not closed,x\n' + end))
    assert "quote" in error.what
    assert "row 5000 (line 5001)" in error.where
    assert '""' in error.remedy + error.allowed


def test_a_row_with_too_many_fields_is_named(tmp_path: Path) -> None:
    error = broken(write(tmp_path, rows_before(7000) + "too, many, fields\n" + "good,x\n"))
    assert error.what == "the row has 3 fields, the header has 2"
    assert "row 7000 (line 7001)" in error.where


def test_a_row_with_too_few_fields_is_named(tmp_path: Path) -> None:
    error = broken(write(tmp_path, 'text,label\n"two\nlines",x\nalone\n'))
    assert error.what == "the row has 1 fields, the header has 2"
    assert "row 2 (line 4)" in error.where


def test_a_binary_file_named_csv_is_refused(tmp_path: Path) -> None:
    assert "binary" in broken(write(tmp_path, bytes(range(256)) * 50)).what


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert "empty" in broken(write(tmp_path, b"")).what


def test_a_line_of_50_megabytes_is_refused(tmp_path: Path) -> None:
    error = broken(write(tmp_path, b"text,label\nfine,x\n" + b"x" * 50_000_000))
    assert error.what == "the row is longer than 16 MB"
    assert "row 2 (line 3)" in error.where


def test_a_quote_left_open_over_50_megabytes_is_refused(tmp_path: Path) -> None:
    error = broken(write(tmp_path, b'text,label\nfine,x\n"open,x\n' + b"a line\n" * 7_000_000))
    assert "never closed" in error.what
    assert "row 2 (line 3)" in error.where


MEASURE = """
import resource, sys
from pathlib import Path
from oreline.data.readers.csv import Reader

def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

list(Reader().frames(Path(sys.argv[1]), rows=8192))
before = peak_mb()
rows = sum(frame.height for frame in Reader().frames(Path(sys.argv[2]), rows=8192))
print(rows, peak_mb() - before)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """In a process of its own: after a 10 MB file, one of 70 MB needs at most 35 MB more."""
    block = "text,label\n" + "".join(f'"a review, number {row} of many",fresh\n' for row in range(250_000))
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    small.write_text(block, encoding="utf-8")
    with large.open("w", encoding="utf-8") as stream:
        stream.write(block)
        for _ in range(6):
            stream.write(block.partition("\n")[2])
    assert large.stat().st_size > 65e6
    command = [sys.executable, "-c", MEASURE, str(small), str(large)]
    rows, growth_mb = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert int(rows) == 1_750_000
    assert float(growth_mb) < 35
