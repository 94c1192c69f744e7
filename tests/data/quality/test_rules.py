"""Bounds by language, and reasons."""

from __future__ import annotations

import polars as pl
import pytest

from oreline.data.quality.rules import Rules
from oreline.errors import UsageError

BOUNDS = {
    "min_words": ("num_words", "low"),
    "max_words": ("num_words", "high"),
    "max_hash_ratio": ("hash_ratio", "high"),
}
LIMITS = {"min_words": 3, "max_words": 5, "max_hash_ratio": None}


def rules(own: dict[str, float | None] | None = None) -> Rules:
    return Rules("rule", BOUNDS, LIMITS, chinese={"min_words": 2}, own=own, column="text")


def test_reasons_name_rule_and_statistic():
    frame = pl.DataFrame(
        {"text": ["one two", "a b c", "1 2 3 4 5 6", "好", "电影很好看。我们都非常喜欢这部电影", "русский"]}
    )
    assert rules().reasons(frame).to_list() == [
        "rule: num_words low",
        None,
        "rule: num_words high",
        "rule: num_words low",
        "rule: num_words high",
        None,
    ]


def test_bounds_of_chinese_rows_are_the_published_ones_then_the_users():
    assert {bound.option: bound.value for bound in rules().bounds["zh"]} == {"min_words": 2, "max_words": 5}
    own = rules({"min_words": None, "max_hash_ratio": 0.5})
    assert {bound.option: bound.value for bound in own.bounds["zh"]} == {"max_words": 5, "max_hash_ratio": 0.5}
    assert own.statistics == ["num_words", "hash_ratio"]


def test_an_unknown_option_for_chinese_is_refused():
    with pytest.raises(UsageError, match="no option 'min_word'") as caught:
        rules({"min_word": 1})
    assert "min_words" in str(caught.value)


def test_no_column_and_no_rows():
    assert rules().reasons(pl.DataFrame({"other": ["a"]})).to_list() == [None]
    assert rules().reasons(pl.DataFrame({"text": []}, schema={"text": pl.String})).to_list() == []
