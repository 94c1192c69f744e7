"""Dialects: what common tools write is recognised."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.input.dialect import NO_DELIMITER, Dialect, column_names, dialect_of, has_header


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("text,label\ngood,1\n", Dialect(",")),
        ("text;label\n3,5 Sterne;1\n4,5 Sterne;0\n", Dialect(";")),
        ("text\tlabel\na, b, c\t1\n", Dialect("\t")),
        ("text|label\na, b|1\n", Dialect("|")),
        ('text,label\n"a, ""b""\nc",1\n', Dialect(",")),
        ('text, label\n"a, b", "x"\n"c, d", "y"\n', Dialect(",", skip_space=True)),
        ('text,label\n"he said \\"no, never\\" twice",1\n"b, c",0\n', Dialect(",", escape="\\")),
        ('text\tlabel\n"quoted" and not closed "\t1\n5" disk\t0\n', Dialect("\t", quoted=False)),
        ("text\nWell, well, well\nno\n", Dialect(NO_DELIMITER)),
        ("text\n", Dialect(NO_DELIMITER)),
    ],
)
def test_dialects_are_detected(sample: str, expected: Dialect) -> None:
    assert dialect_of(sample) == expected


def test_a_sample_cut_within_a_quoted_field_still_tells() -> None:
    assert dialect_of('text;label\n"a, b";1\n"c, d, and the sample ends he').delimiter == ";"


@given(
    st.lists(st.tuples(st.text("ab,;|\t \n\"'", max_size=12), st.sampled_from(["yes", "no"])), min_size=1, max_size=8),
    st.sampled_from(",;\t|"),
)
def test_what_the_csv_module_writes_is_detected(rows: list[tuple[str, str]], delimiter: str) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["text", "label"])
    writer.writerows(rows)
    found = dialect_of(stream.getvalue())
    read = list(found.reader(io.StringIO(stream.getvalue(), newline="")))
    assert read == [["text", "label"], *map(list, rows)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["text", "label"], ["good", "1"]], True),
        ([["", "text", "label"], ["0", "good", "1"]], True),
        ([["评论", "标签"], ["好", "正面"], ["差", "负面"]], True),
        ([["good film", "positive"], ["bad film", "negative"], ["fine", "positive"]], False),
        ([["good film", "5"], ["bad film", "1"]], False),
        ([["good", "2026-01-31"], ["bad", "2026-02-01"]], False),
        ([["good", "good"], ["bad", "bad"]], False),
        ([["x" * 200, "label"], ["bad", "y"]], False),
        ([["text", ""], ["bad", "y"]], False),
        ([["text", "label", ""], ["bad", "y", ""]], True),
        ([["text", "text", "label"], ["bad", "worse", "y"]], True),
    ],
)
def test_headers_are_told_from_rows(rows: list[list[str]], expected: bool) -> None:
    assert has_header(rows) is expected


def test_columns_get_distinct_names() -> None:
    assert column_names(["\ufefftext", " label ", "", "text"], header=True) == ["text", "label", "column_3", "text_3"]
