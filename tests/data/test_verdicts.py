"""Flags and drops that an edit asks for."""

from __future__ import annotations

from typing import Any

import polars as pl

from oreline.data.verdicts import DROP_REASON, FLAG_REASON, carried_out


class Lines(list[tuple[str, str, list[Any]]]):
    def write(self, operator: str, action: str, entries: pl.DataFrame) -> None:
        self.append((operator, action, entries.rows()))


def test_flags_stay_and_drops_go() -> None:
    frame = pl.DataFrame(
        {"row_id": ["a", "b", "c"], FLAG_REASON: ["odd", None, None], DROP_REASON: [None, "bad", None]}
    )
    lines = Lines()
    left = carried_out("judge", frame, lines)
    assert left.to_dict(as_series=False) == {"row_id": ["a", "c"]}
    assert lines == [("judge", "flagged", [("a", "odd")]), ("judge", "dropped", [("b", "bad")])]


def test_a_frame_without_verdicts_stays_as_it_is() -> None:
    frame = pl.DataFrame({"row_id": ["a"]})
    assert carried_out("judge", frame, Lines()).equals(frame)
