"""Small things that all parts of a report show alike."""

from __future__ import annotations

import numpy as np

from oreline.evaluate.shown import MAX_WORST, TINY_ROWS, flagged, shorten, worst_rows


def test_small_counts_are_marked_only_where_there_are_some():
    assert flagged(("a", "b"), [[1, 2]], [TINY_ROWS]) == (("a", "b"), [[1, 2]], "")
    columns, rows, note = flagged(("a",), [[1], [2]], [TINY_ROWS - 1, TINY_ROWS])
    assert (columns, rows) == (("a", ""), [[1, "few"], [2, ""]])
    assert "few" in note


def test_worst_rows_come_in_their_order_with_truth_and_answer(make_table):
    table = make_table(50, 3, 0)
    order = np.arange(50)[::-1]
    shown = worst_rows(table, order, ("number", list(range(50))), "Worst", "note")
    assert [row[0] for row in shown.rows] == [table.row_ids[row] for row in order[:MAX_WORST]]
    assert shown.rows[0][2:] == [table.labels[table.targets[49]], table.labels[table.predicted[49]], 49]
    assert shown.columns == ("row_id", "text", "true", "predicted", "number")


def test_long_texts_are_cut_on_one_line():
    assert shorten("a\nb\tc") == "a b c"
    long = shorten("word " * 100_000)
    assert len(long) <= 201
    assert long.endswith("…")
    assert "\n" not in long
