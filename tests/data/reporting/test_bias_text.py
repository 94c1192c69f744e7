"""What is said of bias, in two languages."""

from __future__ import annotations

import pytest

from oreline.data.reporting.bias_text import CHINESE, ENGLISH, Said, nothing_found, sentences

EFFECT = {"value": -0.52, "low": -0.6, "high": -0.4, "n": 900}
LENGTH = {"is_bias": True, "effect": EFFECT, "class": "bad", "median": 1200, "median_of_others": 1800, "more": 2}
SOURCE = {
    "is_bias": True,
    "effect": {**EFFECT, "value": 0.52},
    "class": "bad",
    "value": "a" * 90,
    "share": {"value": 0.953},
    "share_of_others": 0.2,
}
WORDS = {
    "is_bias": True,
    "effect": {**EFFECT, "value": 0.52},
    "examples": [{"word": "zorg", "label": "bad", "hits": 1000, "n": 1100}],
    "more": 1,
}
FOUND = {
    "length": LENGTH,
    "source": SOURCE,
    "words of text_pair": WORDS,
    "signs": {**WORDS, "more": 0},
    "group": {**SOURCE, "is_bias": False},
}


def test_english() -> None:
    length, source, words, signs = sentences(FOUND, ENGLISH)
    assert "texts of the class bad are shorter than the others (median 1,200 against 1,800 characters" in length
    assert "and so it is with 2 more, longer or shorter" in length
    assert f"95% of the rows of {'a' * 59}… are bad, 20% of all others" in source
    assert words == (
        "perhaps a bias: in text_pair, single words nearly give labels away (correlation up to 0.52):"
        " “zorg” (bad in 1,000 of its 1,100 rows) and 1 more; it is one unless the labels are about these words"
    )
    assert signs.endswith("(correlation up to 0.52): “zorg” (bad in 1,000 of its 1,100 rows)")


def test_chinese() -> None:
    length, source, words, signs = sentences(FOUND, CHINESE)
    assert length.startswith("偏差：类别 bad 的文本比其他文本短（字符数中位数 1,200，其他为 1,800")
    assert "另有 2 个类别的文本也明显偏长或偏短" in length
    assert "标签与来源相关" in source
    assert words.startswith("可能的偏差：text_pair 一列中，单个词几乎就能说出标签")
    assert "“zorg”（1,100 行中有 1,000 行属于 bad）" in signs


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (ENGLISH, "No bias was found; looked at: length, words of text_pair."),
        (CHINESE, "没有发现偏差；检查过：长度、词（text_pair）。"),
    ],
)
def test_nothing(said: Said, told: str) -> None:
    assert nothing_found({"length": LENGTH, "words of text_pair": WORDS}, said) == told
    assert nothing_found({}, said) == ""
