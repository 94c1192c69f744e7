"""The user's patterns: keep."""

from __future__ import annotations

import polars as pl

from oreline.data.operators.keep_matching import Operator

FRAME = pl.DataFrame({"text": ["加微信abc123", "Hello WORLD", None, "退款"]})


def test_rows_without_a_match_go():
    found = Operator(patterns=["[0-9]+", "退款"]).keep(FRAME).to_list()
    assert found == [None, "matches_none", "matches_none", None]
    assert Operator(patterns=["x"], column="other").keep(FRAME).null_count() == 4


def test_notes_only_when_asked():
    assert Operator(patterns=["a"], drop=False).reports_only
