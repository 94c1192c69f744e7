"""Chinese in one script, in the columns that are named, with the conversion as the reason."""

from __future__ import annotations

import polars as pl

from oreline.data.operators.convert_chinese import Operator


def test_columns_and_reasons() -> None:
    frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["這裡", "这里"], "target_text": ["後面", "the end"]})
    assert Operator().edit(frame).rows() == [("a:1", "这里", "后面", "t2s"), ("a:2", "这里", "the end", None)]
    only = Operator(conversion="s2tw", columns=["text"]).edit(frame)
    assert only.rows() == [("a:1", "這裡", "後面", None), ("a:2", "這裡", "the end", "s2tw")]
