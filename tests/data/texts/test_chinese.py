"""Conversion of Chinese: phrases, and what is in the wanted script already."""

from __future__ import annotations

import polars as pl
import pytest

from oreline.data.texts.chinese import Conversion, converting, scripts


def converted(conversion: Conversion, text: str) -> str:
    return converting(conversion)(pl.Series([text])).item()


@pytest.mark.parametrize(
    ("conversion", "text", "expected"),
    [
        ("t2s", "這部電影後面很好看", "这部电影后面很好看"),
        ("t2s", "乾隆皇帝著名的瞭望塔", "乾隆皇帝著名的瞭望塔"),
        ("t2s", "陶喆与镕基", "陶喆与镕基"),
        ("t2s", "今日は後で電話します", "今日は後で電話します"),
        ("t2s", "鲜の每日 電影", "鲜の每日 电影"),
        ("t2s", "趙孟頫的書", "赵孟頫的书"),
        ("tw2sp", "軟體的滑鼠", "软件的鼠标"),
        ("s2t", "他的头发发展了", "他的頭髮發展了"),
        ("s2t", "余先生說這是公里", "余先生說這是公里"),
        ("s2twp", "软件和鼠标", "軟體和滑鼠"),
        ("s2hk", "这里面", "這裏面"),
        ("t2tw", "裏面", "裡面"),
        ("t2s", "Only English, 123", "Only English, 123"),
    ],
)
def test_conversion(conversion: Conversion, text: str, expected: str) -> None:
    assert converted(conversion, text) == expected


def test_mixed_texts_are_converted_line_by_line() -> None:
    assert converted("t2s", "皇后的乾坤\n這是後面") == "皇后的乾坤\n这是后面"
    assert converted("s2t", "余先生說\n这是后面") == "余先生說\n這是後面"


def test_the_scripts_have_no_character_in_common() -> None:
    assert scripts().simplified.search("这")
    assert scripts().traditional.search("這")
    for both in "后里余云谷皇人的":
        assert not scripts().simplified.search(both), both
        assert not scripts().traditional.search(both), both
