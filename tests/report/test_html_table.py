"""Tables on the page: alignment, limits, and spreadsheets that would run a formula."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.report.html_table import MAX_ROWS, MAX_TEXT, excel_safe, table
from oreline.types import Estimate


def render(parse, columns, rows, note=""):
    return parse(table({"title": "t", "columns": columns, "rows": rows, "note": note}))


def test_numbers_stand_right_with_the_same_decimals(parse) -> None:
    root = render(parse, ["name", "share"], [["a", 0.5], ["b", 0.123456], ["c", None], ["d", ""]])
    cells = [cell for cell in root.all("td") if cell.attributes["class"] == "number"]
    assert [cell.text for cell in cells] == ["0.5000", "0.1235", "–", ""]
    assert [cell.attributes.get("class") for cell in root.all("th")] == [None, "number"]


def test_an_estimate_in_a_cell_keeps_its_interval_and_n(parse) -> None:
    root = render(parse, ["f1"], [[Estimate(0.5, 0.4, 0.6, 1200).to_json()]])
    assert root.all("td")[0].text.split() == ["0.5000", "[0.4000,", "0.6000]", "n", "=", "1,200"]


def test_figure_interval_and_n_can_stand_below_one_another(parse) -> None:
    """On one line, two intervals beside seven columns were wider than a page of 1,000 pixels."""
    cell = render(parse, ["a", "b", "f1"], [["x", "y", Estimate(0.5, 0.4, 0.6, 1200).to_json()]]).all("td")[2]
    assert "estimate" in cell.attributes["class"]
    assert [part.text.strip() for part in cell.all("small")] == ["[0.4000, 0.6000]", "n = 1,200"]


def test_only_a_column_of_verdicts_is_coloured(parse) -> None:
    root = render(parse, ["what", "decision"], [["drift", "passed"], ["requests", "undecided"]])
    looks = {cell.text.strip(): cell.attributes.get("class") for cell in root.all("td")}
    assert looks == {"drift": "short", "requests": "short", "passed": "short good", "undecided": "short unsure"}


@pytest.mark.parametrize(
    ("row", "stacked"),
    [
        (["a", "b", Estimate(0.5, 0.4, 0.6, 12).to_json()], True),
        (["a", "b" * 41, 0.5], True),
        (["a", "b", 0.5], False),
    ],
)
def test_rows_too_wide_for_a_telephone_become_blocks_there(row, stacked: bool, parse) -> None:
    (grid,) = render(parse, ["label", "other", "f1"], [row]).all("table")
    assert (grid.attributes.get("class") == "stack") is stacked
    assert all(cell.attributes.get("data-name") for cell in grid.all("td"))


def test_a_text_of_100_000_characters_is_cut_and_counted(parse) -> None:
    root = render(parse, ["text"], [["x" * 100_000]])
    text = root.all("td")[0].text
    assert text.strip().startswith("x" * MAX_TEXT + "…")
    assert f"({100_000 - MAX_TEXT:,} more characters)" in text


def test_rows_beyond_the_limit_are_counted(parse) -> None:
    root = render(parse, ["n"], [[i] for i in range(MAX_ROWS + 7)], note="A note.")
    assert len(root.all("tr")) == MAX_ROWS + 1
    assert f"A note. {MAX_ROWS:,} of {MAX_ROWS + 7:,} rows are shown; all are in the JSON." in root.text


def test_an_empty_table_says_so(parse) -> None:
    root = render(parse, ["a", "b"], [])
    assert not root.all("table")
    assert "No rows." in root.text


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_becomes_text(text: str, parse) -> None:
    assert excel_safe(text) == f"'{text}"
    # A carriage return is shown as its picture, which no spreadsheet runs either.
    assert render(parse, ["a"], [[text]]).all("td")[0].text.strip()[0] in "'␍"


@given(st.floats(-1e6, 1e6), st.floats(0, 1))
def test_numbers_written_as_text_stay_as_they_are(value: float, share: float) -> None:
    for text in (f"{value:+.3f}", f"-{share:.1%}", f"−{share:.2f} [-{share:.2f}, +{share:.2f}]"):
        assert excel_safe(text) == text
