"""Emoji, emoticons and faces: what counts as one, and names."""

from __future__ import annotations

import polars as pl
import pytest

from oreline.data.texts.emoji import EMOJI, KAOMOJI_SIGNS, emoticon_pattern, named, without_kaomoji


def found(text: str, pattern: str = EMOJI) -> list[str]:
    return pl.Series([text]).str.extract_all(pattern).item().to_list()


@pytest.mark.parametrize("emoji", ["😂", "👍🏽", "👨\u200d👩\u200d👧", "🇨🇳", "❤️", "❤", "☺", "1️⃣", "🏳️\u200d🌈"])
def test_a_sequence_is_one_emoji(emoji: str) -> None:
    assert found(f"a{emoji}好") == [emoji]


@pytest.mark.parametrize("text", ["★★★", "✓ done", "© 2020 ™", "1 2 #3 *", "→ ← ℃ ①", "中文，English", "ㄟ"])
def test_signs_of_text_are_no_emoji(text: str) -> None:
    assert found(text) == []


def test_names() -> None:
    assert [named(emoji, "zh") for emoji in ("😂", "👍🏽", "❤️")] == ["[笑哭]", "[赞]", "[心]"]
    assert [named(emoji, "en") for emoji in ("😂", "❤️")] == [":face_with_tears_of_joy:", ":heavy_black_heart:"]
    assert named("🇨🇳", "zh") == ":flag_cn:"


def test_emoticons_are_known_names_in_brackets() -> None:
    assert found("[哈哈]好[doge][1][注]a[i][引用]", emoticon_pattern()) == ["[哈哈]", "[doge]"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nice :-) and :D", "nice  and "),
        ("好^_^的T_T", "好的"),
        ("好 ^_^ 的", "好  的"),
        ("开心(≧▽≦)哦", "开心哦"),
        ("掀桌(╯°□°)╯︵ ┻━┻", "掀桌"),
        ("TT Games, oOo, C:D, xD卡, XD卡", "TT Games, oOo, C:D, xD卡, XD卡"),
        ("态度( ^_^ )不错XD", "态度不错"),
        ("at 10:30 (see a) [1] http://a.b/:) x=(1)", "at 10:30 (see a) [1] http://a.b/:) x=(1)"),
        ("f(x) = (a, b); (…) （注）", "f(x) = (a, b); (…) （注）"),
    ],
)
def test_faces(text: str, expected: str) -> None:
    assert without_kaomoji(text) == expected
    if text != expected:
        assert pl.Series([text]).str.contains(KAOMOJI_SIGNS).item()
