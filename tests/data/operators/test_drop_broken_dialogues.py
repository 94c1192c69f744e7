"""Broken dialogues are dropped with what breaks them."""

from __future__ import annotations

import polars as pl

from oreline.data.operators.drop_broken_dialogues import Operator
from oreline.dialogue import Message, as_cell


def test_the_reason_says_what_breaks_it() -> None:
    good, bad = as_cell([Message("user", "a")]), as_cell([Message("user", "a"), Message("user", "b")])
    frame = pl.DataFrame({"row_id": ["1", "2", "3"], "text": [good, bad, "plain"], "target_text": ["x", "y", None]})
    assert Operator().keep(frame).to_list() == [None, "the chat has two users in a row (messages 1 and 2)", None]
    assert Operator().keep(frame.drop("target_text")).to_list() == [None, None, None]
