"""Words of lists in texts."""

from __future__ import annotations

import random
import re
from pathlib import Path

import polars as pl
import pytest

from oreline.data.texts.keywords import Keywords, read_list
from oreline.errors import DataError, UsageError

LISTS = {"rude": ["ass", "damn", "笨蛋", "死"], "spam": ["加微信", "click here"]}


def found(*texts: str | None, **options: bool) -> list[tuple[str, int] | None]:
    shares = Keywords(LISTS, **options).shares(pl.Series(texts, dtype=pl.String))
    return [share and (share[0], share[2]) for share in shares]


def test_latin_words_are_bounded_and_chinese_ones_are_not():
    assert found("class", "assess", "ass", "an ass!", "死ass的", "naïfass", "ass1", "ass_") == [
        None,
        None,
        ("rude", 1),
        ("rude", 1),
        ("rude", 2),
        None,
        None,
        ("rude", 1),
    ]
    assert found("他是大笨蛋吧", "请加微信", None, "") == [("rude", 1), ("spam", 1), None, None]


def test_width_and_case_are_folded():
    assert found("ＡＳＳ", "Click  HERE") == [("rude", 1), ("spam", 1)]


def test_separators_by_option():
    texts = ("d.a.m.n", "笨*蛋", "加 微 信", "d_a_m_n", "a b c", "笨！我说蛋")
    assert found(*texts) == [None] * 6
    assert found(*texts, separators=True) == [("rude", 1), ("rude", 1), ("spam", 1), ("rude", 1), None, None]


def test_the_category_with_most_characters_wins_and_its_share_is_of_what_is_no_space():
    ((name, share, hits),) = Keywords(LISTS).shares(pl.Series(["ass click here"]))
    assert (name, hits) == ("spam", 1)
    assert share == pytest.approx(10 / 12)


def test_it_equals_a_search_word_by_word():
    words = ["ab", "b", "abc", "坏", "坏人", "c坏"]
    draw = random.Random(0)
    texts = ["".join(draw.choices("abc坏人 .", k=draw.randint(1, 12))) for _ in range(200)]
    for text, share in zip(texts, Keywords({"x": words}).shares(pl.Series(texts))):
        folded = " ".join(text.split())
        covered = set()
        for word in words:
            left = "(?<![a-z])" if word[0].isascii() else ""
            right = "(?![a-z])" if word[-1].isascii() else ""
            for match in re.finditer(f"(?={left}({re.escape(word)}){right})", folded):
                covered |= set(range(*match.span(1)))
        wanted = len(covered) / max(len(folded.replace(" ", "")), 1)
        assert (share[1] if share else 0) == pytest.approx(wanted), text


def test_lists_of_files(tmp_path: Path):
    file = tmp_path / "words.txt"
    file.write_bytes("\ufeff# a remark\n笨蛋 \n\n#tag\n".encode())
    assert read_list(file) == ["笨蛋", "#tag"]
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not UTF-8"):
        read_list(file)
    with pytest.raises(UsageError, match="no word"):
        Keywords({"x": [" "]})
