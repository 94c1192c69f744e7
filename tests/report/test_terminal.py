"""Text for terminals: nothing wider than the window, nothing lost, nothing that a terminal would obey."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from oreline.report import terminal
from oreline.report.report import Report, Table
from oreline.types import Estimate


@pytest.mark.parametrize("width", [36, 80, 120])
def test_no_line_is_wider_than_the_window(report, width: int) -> None:
    for line in terminal.text(report.to_json(), width=width).splitlines():
        assert cell_len(line) <= width, line


def test_chinese_columns_align() -> None:
    rows = [["正面", 7, "yes"], ["与产品无关的讨论", 12345, "no"], ["plain", 1, "yes"], ["half半", 22, "no"]]
    report = Report("evaluate", "标题", tables=[Table("t", ["label", "rows", "last"], rows)])
    lines = [line for line in str(report).splitlines() if line.endswith(("yes", "no"))]
    assert len(lines) == len(rows)
    starts = {cell_len(line[: line.rindex(" ") + 1]) for line in lines}
    assert len(starts) == 1
    number_ends = {
        cell_len(line[: max(line.rindex(digit) for digit in "1234567" if digit in line) + 1]) for line in lines
    }
    assert len(number_ends) == 1


@pytest.mark.parametrize("width", [36, 60, 80, 200])
def test_no_column_is_lost_when_it_is_narrow(width: int) -> None:
    columns = ["row", "precision", "recall", "f1", "text", "text"]
    rows = [
        [f"reviews.csv:{i}", *(Estimate(0.1 * i + 0.01 * j, 0.05, 0.95, 60) for j in range(3)), "a b c", "last"]
        for i in (7, 8)
    ]
    shown = terminal.text(Report("evaluate", "t", tables=[Table("T", columns, rows)]).to_json(), width=width)
    for name in columns:
        assert name in shown
    for i in (7, 8):
        assert f"reviews.csv:{i}" in shown
        for j in range(3):
            assert f"{0.1 * i + 0.01 * j:.4f}" in shown
    assert shown.count("[0.0500, 0.9500]") == 6
    assert shown.count("n = 60") == 6
    assert shown.count("last") == 2


def test_a_long_heading_is_folded_and_nothing_is_lost() -> None:
    columns = ["a heading with many words", "another such heading", "text", "a third one, as long"]
    rows = [[123, 0.5, "words " * 20 + "end", 7654]]
    shown = terminal.text(Report("evaluate", "t", tables=[Table("T", columns, rows)]).to_json(), width=50)
    for part in ("123", "0.5000", "end", "7654".replace("7", "7,")):
        assert part in shown


@pytest.mark.parametrize("row_id", ["test.jsonl:4073", "0f9236004c068241c44da61ace524b47"])
def test_ids_are_kept_whole_and_text_is_folded(row_id: str) -> None:
    rows = [[row_id, "words that are many " * 9, "expiration_date", 0.9743]]
    shown = str(Report("evaluate", "t", tables=[Table("T", ["row_id", "text", "true", "confidence"], rows)]))
    assert f"{row_id} " in shown
    assert "expiration_date" in shown
    assert all(cell_len(line) <= 80 for line in shown.splitlines())


def test_every_metric_shows_value_interval_and_n(english) -> None:
    lines = str(english).splitlines()
    for name, figure in english.metrics.items():
        first = name.replace("_", " ").replace("f1", "F1")
        (line,) = [line for line in lines if line.startswith(first + "  ")]
        assert f"{figure.value:.4f}" in line
        assert f"{figure.high:.4f}]" in line
        assert line.endswith(f"{figure.n:,}")
    assert any("split: test" in line for line in lines)


def test_a_terminal_is_given_nothing_to_obey(hostile) -> None:
    shown = str(hostile)
    assert not [letter for letter in shown if ord(letter) < 0x20 and letter != "\n"]
    assert not set("\x7f\x9b\u202e\u202d\u2066\ud800") & set(shown)
    assert "␛[31mred␀" in shown


def test_markup_of_rich_is_text() -> None:
    report = Report(
        "evaluate", "[red]title[/red]", facts={"a": ":smile: [bold]x[/bold]"}, warnings=["[link=x]y[/link]"]
    )
    for text in ("[red]title[/red]", ":smile: [bold]x[/bold]", "[link=x]y[/link]"):
        assert text in str(report)


def test_long_tables_and_cells_are_cut_and_counted() -> None:
    rows = [["x" * 1000, i] for i in range(terminal.MAX_ROWS + 5)]
    shown = str(Report("evaluate", "t", tables=[Table("T", ["a", "b"], rows, note="Note.")]))
    assert f"Note. · {len(rows) - 5} of {len(rows)} rows are shown: --json has all of them" in shown
    assert shown.count("x") < terminal.MAX_ROWS * (terminal.MAX_CELL + 1)


def test_in_brief_long_tables_are_cut_and_what_finds_no_room_is_named(english) -> None:
    rows = [[f"{i} " + "long text " * 30, i] for i in range(30)]
    tables = [
        Table("first", ["text", "n"], rows),
        *(Table(f"table {i}", ["a"], [[j] for j in range(40)]) for i in range(9)),
    ]
    shown = terminal.text(Report("refine", "t", facts={"rows": 7}, tables=tables).to_json(), rest="out/report.html")
    assert shown.count("\n") < terminal.BRIEF_LINES + 12
    assert "rows  7" in shown
    assert "10 of 40 rows are shown: --json has all of them" in shown
    assert "Not shown here:" in shown
    assert "table 8 (out/report.html)" in " ".join(shown.split())
    assert "Not shown" not in terminal.text(Report("refine", "t", tables=tables[1:3]).to_json(), rest="x")
    narrow = Report(
        "refine", "t", tables=[Table("T", [f"column {i}" for i in range(30)], [[i] * 30 for i in range(9)])]
    )
    assert "Not shown here: T" in terminal.text(narrow.to_json(), width=40, rest="x")


def test_pictures_that_fit_are_shown_as_tables(english, many) -> None:
    assert "true \\ predicted" in str(english)
    assert "▁" in str(english)
    assert "true \\ predicted" not in str(many)


def test_colour_marks_verdict_and_warning() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, color_system="standard", width=80)
    report = Report("update", "t", facts={"decision": "refused"}, warnings=["few rows"])
    terminal.show(report.to_json(), console)
    assert "\x1b[1;31mrefused" in stream.getvalue()
    assert "\x1b[33m! few rows" in stream.getvalue()


def test_only_a_column_of_verdicts_is_coloured() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, color_system="standard", width=80)
    rows = [["drift", "passed"], ["requests", "refused"]]
    terminal.show(Report("run", "t", tables=[Table("T", ["what", "decision"], rows)]).to_json(), console)
    assert "\x1b[1;32mpassed" in stream.getvalue()
    assert "\x1b[1;31mrefused" in stream.getvalue()
    assert "mdrift" not in stream.getvalue()


@given(
    st.lists(
        st.tuples(st.text("abcdef 中文字符，。-[]", max_size=60), st.integers() | st.floats(0, 1) | st.none()),
        max_size=6,
    ),
    st.integers(30, 100),
)
def test_any_table_fits(rows, width: int) -> None:
    document = Report("evaluate", "t", tables=[Table("T", ["文本", "value"], rows)]).to_json()
    for line in terminal.text(document, width=width).splitlines():
        assert cell_len(line) <= width
