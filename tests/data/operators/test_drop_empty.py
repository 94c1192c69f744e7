"""Rows without text."""

from __future__ import annotations

import polars as pl

from oreline.data.operators.drop_empty import Operator


def test_only_what_cannot_be_seen_is_empty() -> None:
    texts = ["", "  \n", "\u200b\ufeff", "\u3000", None, ".", "👍", "好", "a"]
    reasons = Operator().keep(pl.DataFrame({"row_id": [str(i) for i in range(9)], "text": texts}))
    assert reasons.to_list() == ["empty"] * 5 + [None] * 4


def test_the_second_text_counts_too() -> None:
    frame = pl.DataFrame({"row_id": ["a", "b"], "text": ["x", "y"], "text_pair": ["z", " "]})
    assert Operator().keep(frame).to_list() == [None, "empty"]
