"""Rows that no added row may copy."""

from __future__ import annotations

import polars as pl

from oreline.data.augment.held_out import COPY, NEAR_COPY, HeldOut

LONG = "the quick brown fox jumps over the lazy dog while the sun goes down behind the hills of the old town"


def test_exact_and_near_copies_are_told() -> None:
    held_out = HeldOut()
    held_out.take(pl.DataFrame({"text": [LONG, "很好看的电影，推荐给大家"]}))
    held_out.take(pl.DataFrame({"text": ["short"]}))
    rows = pl.DataFrame(
        {"text": [LONG.upper(), LONG + " today", "另一句话完全不同", "Short ", "很好看的电影，推荐给大家吧"]}
    )
    assert held_out.copies(rows).to_list() == [COPY, NEAR_COPY, None, COPY, NEAR_COPY]
    assert held_out.copies(rows.head(0)).to_list() == []


def test_nothing_was_held_out() -> None:
    rows = pl.DataFrame({"text": ["a"], "n": [1]})
    held_out = HeldOut()
    held_out.take(rows.head(0))
    held_out.take(rows.select("n"))
    assert held_out.copies(rows).to_list() == [None]
