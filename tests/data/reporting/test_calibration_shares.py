"""Pictures and rows of rules that say yes or no; `test_calibrate.py` has whole reports."""

from __future__ import annotations

import polars as pl

from oreline.data.reporting.calibration_shares import share_charts, shown_rows

REASONS = pl.Series("reason", ["ad", "ad", None, None, "ad", "spam", None, None])
GROUPS = {
    "class": pl.Series("label", ["a", "b", "a", "a", "b", "b", "a", "a"]),
    "source": pl.Series("source", ["x.csv"] * 8),
}
SAMPLE = pl.DataFrame({"row_id": [f"x.csv:{n}" for n in range(8)], "text": ["same", "same", "c\nd", *"efghi"]})


def test_shares_by_class_and_reason_in_percent() -> None:
    (chart,) = share_charts([("op", REASONS)], GROUPS)
    assert chart.title == "op: rows that would go (%)"
    assert chart.data == {
        "labels": ["all rows", "class a", "class b"],
        "series": {"ad": [37.5, 20.0, 66.667], "spam": [12.5, 0.0, 33.333]},
    }


def test_many_reasons_are_one_and_none_is_drawn_as_nothing() -> None:
    reasons = pl.Series("reason", ["a", "a", "b", "b", "c", "c", "d", "e"])
    (chart,) = share_charts([("op", reasons)], {})
    assert chart.data["series"]["other reasons"] == [25.0]
    (chart,) = share_charts([("op", pl.Series("reason", [None] * 8, dtype=pl.String))], GROUPS)
    assert chart.data["series"] == {"would go": [0.0, 0.0, 0.0]}
    assert chart.note == "No sampled row would go."


def test_rows_of_each_reason_and_class_and_of_those_that_stay() -> None:
    table = shown_rows([("op", REASONS)], SAMPLE, GROUPS)
    assert list(table.columns) == ["operator", "reason", "class", "source", "row", "text"]
    rows = [list(row[1:]) for row in table.rows]
    assert rows == [
        ["ad", "a", "x.csv", "x.csv:0", "same"],
        ["ad", "b", "x.csv", "x.csv:4", "f"],
        ["spam", "b", "x.csv", "x.csv:5", "g"],
        ["stays", "a", "x.csv", "x.csv:2", "c ⏎ d"],
        ["stays", "a", "x.csv", "x.csv:3", "e"],
    ], "a text once, and of each class one before a second"
