"""Repeated n-grams; `test_statistics.py` compares them with a slow version."""

from __future__ import annotations

from oreline.data.quality.repetition import repetition
from oreline.data.quality.tokens import Tokens
from oreline.data.texts.segmenter import word_lengths


def test_characters_in_repeated_ngrams():
    found = repetition(Tokens(["a b c d e a b c d e", "a b c d e", ""], chinese=False))
    assert found["top_2_gram"].tolist() == [6, 0, 0]
    assert found["top_4_gram"].tolist() == [14, 0, 0]
    assert found["dup_5_gram"].tolist() == [5, 0, 0]
    assert found["dup_6_gram"].tolist() == [0, 0, 0]


def test_chinese_counts_words_of_jieba():
    found = repetition(Tokens(["今天天气很好。今天天气很好。"], chinese=True))
    first, second = word_lengths("今天天气很好。")[:2]
    assert found["top_2_gram"].tolist() == [2 * (first + second + 1)], "with a space between the two words"


def test_no_texts():
    assert all(len(values) == 0 for values in repetition(Tokens([], chinese=False)).values())
