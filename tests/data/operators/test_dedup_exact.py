"""Repeated texts, against a slow dictionary."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from oreline.data.operators.dedup_exact import Operator
from oreline.data.running.steps import named_by


def drops(rows: list[tuple[str, str | None]], columns: tuple[str, ...] = ("text", "label")) -> list[tuple[str, str]]:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    ids = pl.Series("row_id", [f"a:{number}" for number in range(len(rows))], dtype=pl.String)
    found = pl.concat(named_by(Operator().whole(frame.with_columns(ids).lazy())))
    return found.select("row_id", "kept_id").rows()


def test_the_first_stays_and_conflicts_are_left_alone() -> None:
    rows = [("A film", "x"), ("a  FILM", "x"), ("ａ film", "x"), ("b", "x"), ("b", "y"), ("b", "x"), ("c", "x")]
    assert drops(rows) == [("a:1", "a:0"), ("a:2", "a:0")]


def test_pairs_are_compared_as_pairs() -> None:
    rows = [("a", "b"), ("a", "c"), ("a", "b")]
    assert drops(rows, ("text", "text_pair")) == [("a:2", "a:0")]


@given(st.lists(st.tuples(st.sampled_from(["a", "A ", "b", "c"]), st.sampled_from("xy")), max_size=12))
def test_equal_to_a_dictionary(rows: list[tuple[str, str]]) -> None:
    by_text: dict[str, list[int]] = {}
    for number, (text, _) in enumerate(rows):
        by_text.setdefault(text.strip().lower(), []).append(number)
    expected = [
        (f"a:{number}", f"a:{numbers[0]}")
        for numbers in by_text.values()
        if len({rows[number][1] for number in numbers}) == 1
        for number in numbers[1:]
    ]
    assert sorted(drops(rows)) == sorted(expected)
