"""Stop words: the lists, and what a word is."""

from __future__ import annotations

import pytest

from oreline.data.texts.stopping import stop_words, without_chinese, without_english

EN, ZH = stop_words("en"), stop_words("zh")


def test_what_turns_a_sentence_round_is_in_no_list() -> None:
    assert not EN & {"not", "no", "never", "nor", "but", "very", "too", "don't", "against"}
    assert not ZH & {"不", "没", "没有", "非", "未", "但", "但是", "很", "太", "最", "为什么"}
    assert all(word == word.lower() for word in EN)
    assert {"我们", "我們", "的", "这", "這"} <= ZH


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("This is the best of all films", "best all films"),
        ("THE film, and THE book.", "film, book."),
        ("I don't know; it’s fine", "don't know; fine"),
        ("at 5 a.m. by e-mail, AT&T", "5 a.m. e-mail, AT&T"),
        ("see a@b.com/the", "see a@b.com/the"),
        ("我用the软件", "我用the软件"),
        ("no stop words here", "no stop words"),
        ("one line of\nanother line", "line\nline"),
    ],
)
def test_english(text: str, expected: str) -> None:
    assert without_english(text, EN) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我们的目的是学习", "目的学习"),
        ("这部电影不好看，但是便宜", "电影不好看，但是便宜"),
        ("iPhone的手机", "iPhone手机"),
        ("only English", "only English"),
    ],
)
def test_chinese(text: str, expected: str) -> None:
    assert without_chinese(text, ZH) == expected
