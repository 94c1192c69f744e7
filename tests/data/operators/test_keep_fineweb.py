"""FineWeb's own rules, with English and Chinese bounds."""

from __future__ import annotations

import polars as pl

from oreline.data.operators.keep_fineweb import Operator

LONG = "A line that is longer than thirty characters, and ends"


def reasons(*texts: str, **options: object) -> list[str | None]:
    return Operator(**options).keep(pl.DataFrame({"text": texts})).to_list()


def test_each_rule_gives_its_reason():
    assert reasons(f"{LONG}.") == [None]
    assert reasons(LONG) == ["fineweb: terminal_lines"]
    assert reasons("Short.\nLines.\nHere.") == ["fineweb: short_lines"]
    assert reasons(f"{LONG}.\n{LONG}.") == ["fineweb: dup_line_chars"]
    assert reasons(f"{LONG}." + "\n" * 9) == ["fineweb: newline_ratio"]


def test_chinese_has_bounds_of_its_own():
    assert reasons("今天天气很好，我们出去走走，看看风景。\n回来吃饭，早点睡觉。") == [None]
    assert reasons("首页\n产品\n新闻") == ["fineweb: terminal_lines"]
    assert reasons("好。\n是。\n行。") == ["fineweb: newline_ratio"]
    assert reasons("首页", chinese={"min_terminal_lines": None}) == [None]
