"""Bounds by language, and reasons."""

from __future__ import annotations

import polars as pl
import pytest

from oreline import registry
from oreline.data.quality.rules import CHINESE, Rules
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


PUBLISHED = {
    "keep_gopher_quality": {"min_mean_word_length": 1, "max_mean_word_length": 5, "min_words_with_letter": 0.735},
    "keep_gopher_repetition": {
        "max_dup_lines": 0.287,
        **{f"max_top_{size}_gram": value for size, value in zip((2, 3, 4), (0.256, 0.201, 0.171))},
        **{
            f"max_dup_{size}_gram": value
            for size, value in zip(range(5, 11), (0.198, 0.182, 0.167, 0.154, 0.140, 0.127))
        },
    },
    "keep_fineweb": {"min_terminal_lines": 0.106, "max_dup_line_chars": 0.1, "max_newline_ratio": 0.178},
}
"""FineWeb-2's `cmn_Hani.yml`, as published with Penedo et al. 2025."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_chinese_rows_are_judged_by_the_published_bounds(name: str):
    bounds = {bound.option: bound.value for bound in registry.create("operator", name).rules.bounds[CHINESE]}
    assert {option: bounds[option] for option in PUBLISHED[name]} == PUBLISHED[name]
    assert not {"max_dup_paragraphs", "max_short_lines"} & set(bounds), "those are off for Chinese"
