"""Gopher's quality rules, with English and Chinese bounds."""

from __future__ import annotations

import polars as pl
import pytest

from oreline.data.operators.keep_gopher_quality import Operator
from oreline.errors import UsageError

ENGLISH = "We have walked to the lake with the dog and that was the best of days. "
CHINESE = "我们的城市在这个月有了很大的变化，人们也都为此感到高兴。"


def reasons(*texts: str, **options: object) -> list[str | None]:
    return Operator(**options).keep(pl.DataFrame({"text": texts})).to_list()


def test_prose_of_both_languages_stays():
    assert reasons(ENGLISH * 4, CHINESE * 5) == [None, None]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (ENGLISH, "num_words low"),
        ("the of a I " * 20, "mean_word_length low"),
        ("the and counterrevolutionaries characteristically " * 15, "mean_word_length high"),
        (ENGLISH * 4 + "# " * 30, "hash_ratio"),
        (ENGLISH * 4 + "word... " * 30, "ellipsis_ratio"),
        ("- " + ENGLISH * 4 + "\n- item", "bullet_lines"),
        ((ENGLISH + "and …\n") * 4, "ellipsis_lines"),
        (ENGLISH * 4 + "12 345 " * 15, "words_with_letter"),
        ("Grey cats chase small mice around every corner " * 7, "stop_words"),
        ("快乐学习天天向上" * 20, "stop_words"),
    ],
)
def test_each_rule_gives_its_reason(text: str, reason: str | None):
    assert reasons(text) == [reason and f"gopher_quality: {reason}"]


def test_bounds_by_option_and_for_chinese_rows():
    assert reasons("好电影，我喜欢。", chinese={"min_words": 3, "min_stop_words": 0, "min_words_with_letter": 0.5}) == [
        None
    ]
    assert reasons("a film", min_words=None, min_stop_words=None, min_mean_word_length=None) == [None]
    with pytest.raises(UsageError, match="no option 'min_word'"):
        Operator(chinese={"min_word": 3})


def test_other_scripts_are_not_judged():
    assert reasons("Это русский текст") == [None]
