"""The user's patterns: drop."""

from __future__ import annotations

import polars as pl

from oreline.data.operators.drop_matching import Operator

FRAME = pl.DataFrame({"text": ["加微信abc123", "Hello WORLD", None, "退款"]})


def test_the_first_pattern_found_is_the_reason():
    operator = Operator(patterns={"contact": "微信", "greeting": "hello", "refund": "退款"}, ignore_case=True)
    assert operator.keep(FRAME).to_list() == ["matches: contact", "matches: greeting", None, "matches: refund"]
    assert Operator(patterns=["hello"]).keep(FRAME).null_count() == 4
    assert Operator(patterns="退款").keep(FRAME).to_list()[3] == "matches: 退款"


def test_notes_only_when_asked():
    assert Operator(patterns=["a"], drop=False).reports_only
    assert not Operator(patterns=["a"]).reports_only
