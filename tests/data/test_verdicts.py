"""Rows that an `edit` drops or points out."""

from __future__ import annotations

import polars as pl

from oreline.data.ledger import DROP_REASON, FLAG_REASON
from oreline.data.verdicts import settled


def test_rows_are_dropped_and_flagged_and_the_reasons_go_to_the_ledger() -> None:
    lines: list[tuple[str, str, list[tuple[str, str]]]] = []
    frame = pl.DataFrame({"row_id": ["a", "b", "c"], FLAG_REASON: ["x", None, "y"], DROP_REASON: [None, None, "z"]})
    left = settled(frame, "op", lambda operator, action, found: lines.append((operator, action, found.rows())))
    assert left.rows() == [("a",), ("b",)]
    assert lines == [("op", "flagged", [("a", "x"), ("c", "y")]), ("op", "dropped", [("c", "z")])]


def test_rows_without_verdicts_stay_as_they_are() -> None:
    frame = pl.DataFrame({"row_id": ["a"]})
    assert settled(frame, "op", lambda *_: None).equals(frame)
