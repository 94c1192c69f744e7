"""Broken dialogues are mended, others stay as they are."""

from __future__ import annotations

import polars as pl

from oreline.data.operators.repair_dialogues import Operator
from oreline.dialogue import as_cell, messages_of, parsed


def test_turns_are_joined_and_ends_cut() -> None:
    broken = as_cell(parsed([{"from": who, "value": said} for who, said in [("gpt", "Hi"), ("human", "a"), ("human", "b"), ("gpt", "c"), ("human", "d")]]))  # fmt: skip
    lonely = as_cell(parsed([{"from": "human", "value": "a"}]))
    frame = pl.DataFrame(
        {"row_id": ["1", "2", "3"], "text": [broken, lonely, "plain  text"], "target_text": [None, None, "x"]},
        schema_overrides={"target_text": pl.String},
    )
    found = Operator().edit(frame)
    assert [message.content for message in messages_of(found["text"][0])] == ["a\n\nb"]
    assert found["target_text"].to_list() == ["c", None, "x"]
    assert found["text"].to_list()[1:] == [lonely, "plain  text"]
    assert Operator().edit(frame.drop("target_text")).equals(frame.drop("target_text"))
