"""Full and half width: letters and digits fold, Chinese punctuation stays Chinese."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from oreline.data.operators.fold_width import Operator


def folded(text: str, **options: Any) -> str:
    return Operator(**options).edit(pl.DataFrame({"row_id": ["a:1"], "text": [text]}))["text"].item()


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("ＡＢＣａｚ０９", {}, "ABCaz09"),
        ("很好，真的！（ＮＢＡ）", {}, "很好，真的！（NBA）"),
        ("３．１４：２％", {}, "3．14：2％"),
        ("３．１４，好：２", {"punctuation": "between"}, "3.14，好：2"),
        ("556，557，1，SIM（2，000），C，Java", {"punctuation": "between"}, "556，557，1，SIM（2，000），C，Java"),
        ("ａ＠ｂ．ｃｏｍ", {"punctuation": "between"}, "a@b.com"),
        ("真的！（好）￥５", {"punctuation": "all"}, "真的!(好)¥5"),
        ("ｶﾞﾗｽ ﾊﾟﾝ", {}, "ガラス パン"),
        ("ｶﾞ", {"kana": False}, "ｶﾞ"),
        ("plain, 中文。", {"punctuation": "all"}, "plain, 中文。"),
    ],
)
def test_folding(text: str, options: dict[str, Any], expected: str) -> None:
    assert folded(text, **options) == expected


def test_reasons() -> None:
    frame = pl.DataFrame({"row_id": ["a:1", "a:2"], "text": ["Ａ．１ｶ", "好"], "target_text": ["Ａ", "Ａ"]})
    found = Operator(punctuation="between").edit(frame)
    assert found.rows() == [("a:1", "A.1カ", "A", "full_width, punctuation, kana"), ("a:2", "好", "A", "full_width")]
