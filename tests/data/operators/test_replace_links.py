"""Addresses, mentions and hashtags, glued to Chinese or not."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from oreline.data.operators.replace_links import Operator
from oreline.errors import UsageError

ALL: dict[str, Any] = {"urls": "mask", "mentions": "mask", "hashtags": "mask"}


def replaced(text: str, **options: Any) -> str:
    return Operator(**options).edit(pl.DataFrame({"row_id": ["a:1"], "text": [text]}))["text"].item()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://a.com/b?c=1#d.", "see [URL]."),
        ("看http://t.cn/A6xyz很好", "看[URL]很好"),
        ("(www.example.org/path_(x)), ftp://h.net/f", "([URL]), [URL]"),
        ("buy at Amazon.com or t.co/abc now", "buy at Amazon.com or [URL] now"),
        ("Node.js e.g. 3.14 a/b and/or end.Next", "Node.js e.g. 3.14 a/b and/or end.Next"),
        ("mail me@example.com please", "mail me@example.com please"),
        ("@Ann thanks, 谢谢@小王 和＠b_c", "[USER] thanks, 谢谢[USER] 和[USER]"),
        ("a@ b, x@y", "a@ b, x@y"),
        ("#话题# 好 #topic! #1 in C# &#39;", "[TAG] 好 [TAG]! #1 in C# &#39;"),
        ("plain text", "plain text"),
    ],
)
def test_masks(text: str, expected: str) -> None:
    assert replaced(text, **ALL) == expected


def test_policies() -> None:
    text = "@Ann #a看 http://a.com/x"
    assert replaced(text) == "@Ann #a看 [URL]"
    assert replaced(text, urls="drop", mentions="drop", hashtags="words") == " a看 "
    assert replaced(text, urls="keep", hashtags="drop") == "@Ann  http://a.com/x"
    with pytest.raises(UsageError, match="everything is kept"):
        Operator(urls="keep")


def test_reasons() -> None:
    frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["@Ann #ab http://a.com", "x"]})
    assert Operator(**ALL).edit(frame)["change_reason"].to_list() == ["url, mention, hashtag", None]
