"""Repetition for emphasis is shortened; what repeats by rights stays."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from oreline.data.operators.squeeze_repeats import Operator
from oreline.errors import UsageError


def squeezed(text: str, **options: Any) -> str:
    return Operator(**options).edit(pl.DataFrame({"row_id": ["a:1"], "text": [text]}))["text"].item()


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("哈哈哈哈哈哈", {}, "哈哈哈"),
        ("soooooo good!!!!!!!", {}, "sooo good!!!"),
        ("soooooo good, 看看, 谢谢", {"max_repeats": 2}, "soo good, 看看, 谢谢"),
        ("hahahahaha 好吃好吃好吃好吃好吃", {}, "hahaha 好吃好吃好吃"),
        ("👍👍👍👍👍 。。。。。。 ......", {}, "👍👍👍 。。。 ..."),
        ("10000000 13888888888 233333 1.1.1.1.1", {}, "10000000 13888888888 233333 1.1.1.1.1"),
        ("VIII www.a.com AAA XXX", {"max_repeats": 2}, "VIII www.a.com AAA XXX"),
        ("WWWWWW AAAAAA", {"max_repeats": 2}, "WW AA"),
        ("a    b\n\n\n\nc", {}, "a    b\n\n\n\nc"),
        ("abcdeabcdeabcdeabcde", {}, "abcdeabcdeabcdeabcde"),
        ("abcdeabcdeabcdeabcde", {"max_unit": 5}, "abcdeabcdeabcde"),
        (
            "见http://a.com/yeeeees/====x!!!!!! WWW.aaaaa.cn。。。。。",
            {},
            "见http://a.com/yeeeees/====x!!! WWW.aaaaa.cn。。。",
        ),
        ("Awww...!!!!!!!soooooo www.....haaaaa", {}, "Awww...!!!sooo www...haaa"),
        ("http://a.com/xxxxx<br>Soooooooo<br>", {}, "http://a.com/xxxxx<br>Sooo<br>"),
        ("https://a.com/???????", {"max_repeats": 2}, "https://a.com/??"),
        ("committee bookkeeper 妈妈 爸爸", {}, "committee bookkeeper 妈妈 爸爸"),
    ],
)
def test_squeezing(text: str, options: dict[str, Any], expected: str) -> None:
    assert squeezed(text, **options) == expected


@pytest.mark.parametrize("options", [{"max_repeats": 1}, {"max_unit": 0}, {"max_unit": 7}])
def test_impossible_options(options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="squeeze_repeats"):
        Operator(**options)
