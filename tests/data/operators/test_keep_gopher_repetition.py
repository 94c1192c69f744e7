"""Gopher's repetition rules, with English and Chinese bounds."""

from __future__ import annotations

import polars as pl
import pytest

from oreline.data.operators.keep_gopher_repetition import Operator
from oreline.errors import UsageError

WORDS = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
]
LINE = " ".join(WORDS)
OFF = {"max_top_gram": [None] * 3, "max_dup_gram": [None] * 6}


def reasons(*texts: str, **options: object) -> list[str | None]:
    return Operator(**options).keep(pl.DataFrame({"text": texts})).to_list()


def test_each_rule_gives_its_reason():
    assert reasons(LINE) == [None]
    assert reasons("a\nb\na\na", **OFF) == ["gopher_repetition: dup_lines"]
    assert reasons(f"{LINE}\nx\ny\nz\n{LINE}", **OFF) == ["gopher_repetition: dup_line_chars"]
    assert reasons(f"{LINE} x\n\n{LINE} x", **OFF, max_dup_lines=None, max_dup_line_chars=None) == [
        "gopher_repetition: dup_paragraphs"
    ]
    assert reasons("buy it " * 9) == ["gopher_repetition: top_2_gram"]
    assert reasons(f"{LINE} and {LINE}", max_top_gram=[None] * 3) == ["gopher_repetition: dup_5_gram"]


def test_chinese_has_bounds_of_its_own():
    text = "这里风景很美，空气也好。" + "我们明天再来一次。" * 5
    assert reasons(text)[0] == "gopher_repetition: dup_5_gram" or reasons(text)[0].startswith("gopher_repetition: top")
    assert reasons("第一行。\n第一行。\n第二行。\n第三行。", **OFF, chinese=OFF) == [None]
    assert reasons("第一行。\n第一行。\n第一行。\n第三行。", **OFF, chinese=OFF) == ["gopher_repetition: dup_lines"]


def test_as_many_bounds_as_sizes():
    with pytest.raises(UsageError, match="max_top_gram has 2 values"):
        Operator(max_top_gram=[0.1, 0.2])
    with pytest.raises(UsageError, match="max_dup_gram has 1 values"):
        Operator(chinese={"max_dup_gram": [0.1]})
