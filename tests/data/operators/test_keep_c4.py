"""C4's rules for pages, in both languages."""

from __future__ import annotations

import polars as pl

from oreline.data.operators.keep_c4 import Operator


def reasons(*texts: str, **options: object) -> list[str | None]:
    return Operator(**options).keep(pl.DataFrame({"text": texts})).to_list()


def test_each_rule_gives_its_reason():
    english, chinese = "It rained all day. " * 5, "今天又下雨了。" * 5
    assert reasons(english, chinese) == [None, None]
    assert reasons("It rained. So what?", "下雨了。") == ["c4: num_sentences"] * 2
    assert reasons(english + "Lorem ipsum dolor sit amet.") == ["c4: lorem_ipsum"]
    assert reasons(english + "A {b} and c.", chinese + "这是{代码}。") == ["c4: curly_brackets"] * 2
    assert reasons(chinese + "这是{代码}。", max_curly_brackets=None) == [None]
    assert reasons("下雨了，没出门。", chinese={"min_sentences": 1}) == [None]
