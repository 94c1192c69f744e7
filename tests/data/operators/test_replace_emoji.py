"""Emoji in words or gone, by language."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from oreline.data.operators.replace_emoji import Operator
from oreline.errors import UsageError


def replaced(text: str, **options: Any) -> str:
    return Operator(**options).edit(pl.DataFrame({"row_id": ["a:1"], "text": [text]}))["text"].item()


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("好笑😂😂", {}, "好笑[笑哭][笑哭]"),
        ("funny 😂", {}, "funny :face_with_tears_of_joy:"),
        ("funny 😂", {"language": "zh"}, "funny [笑哭]"),
        ("好👍🏽❤️", {"language": "en"}, "好:thumbs_up_sign::heavy_black_heart:"),
        ("👨\u200d👩\u200d👧好🇨🇳", {"emoji": "drop"}, "好"),
        ("★★★ ✓ ©", {"emoji": "drop"}, "★★★ ✓ ©"),
        ("好[哈哈][doge][1] :-)", {"emoji": "keep", "emoticons": "drop", "kaomoji": "drop"}, "好[1] "),
        ("好[哈哈]😂 :-)", {}, "好[哈哈][笑哭] :-)"),
    ],
)
def test_policies(text: str, options: dict[str, Any], expected: str) -> None:
    assert replaced(text, **options) == expected


def test_reasons_and_refusals() -> None:
    frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["😂[哈哈]^_^", "x"]})
    found = Operator(emoji="drop", emoticons="drop", kaomoji="drop").edit(frame)
    assert found["change_reason"].to_list() == ["emoji, emoticon, kaomoji", None]
    with pytest.raises(UsageError, match="everything is kept"):
        Operator(emoji="keep")
    with pytest.raises(UsageError, match="emoticons"):
        Operator(emoticons="drop")
