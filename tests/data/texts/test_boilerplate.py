"""Lines that are a page's furniture, by what they say and by how many texts have them."""

from __future__ import annotations

import polars as pl
import pytest

from oreline.data.texts import boilerplate
from oreline.data.texts.boilerplate import BYLINE, pattern, repeated_lines, without_lines

FURNITURE = [
    "Home | About us | Contact", "Skip to main content", "Back to top", "Next page »", "Page 3 of 12", "第3页/共12页",
    "This website uses cookies to improve your experience.", "By continuing to browse you accept our cookie policy.",
    "Accept all cookies", "Privacy Policy | Terms of Use", "© 2024 Example Inc.", "Copyright 2020 by Someone",
    "2019 The Paper. All rights reserved.", "Powered by WordPress", "Read more", "Read the full story »", "Click here to read more",
    "Continue reading", "Share this article on Facebook", "Facebook | Twitter | Email", "Leave a comment", "12 comments",
    "Related articles", "Advertisement", "Sign up for our newsletter",
    "首页 > 新闻 > 国内", "登录 | 注册", "返回顶部", "上一篇：旧闻", "当前位置：首页 > 正文", "本网站使用cookie来改善体验",
    "版权所有 某某公司", "未经许可，不得转载本站内容", "京ICP备12345678号-1", "点击阅读全文", "阅读原文", "展开全文>>", "查看更多",
    "相关阅读：某某", "扫描二维码关注我们", "关注我们的微信公众号", "分享到：微博 微信", "责任编辑：王小明", "（责任编辑：李雷）",
    "来源：新华社", "编辑/张三", "本文不代表本站观点",
]  # fmt: skip
TEXT = [
    "Read more books, he said.", "Home is where the heart is.", "He shared this article with me on Monday.", "More than ever before.",
    "Next page of history has been turned", "I will follow you wherever you go.", "Help!", "The cookies were delicious.",
    "The copyright law of 1976 was long.", "首页设计得很好看，我喜欢。", "我点击了阅读全文的按钮，没有反应。", "更多的人来到了这里。",
    "来源是一个问题。", "编辑们都很忙。", "登录之后才能看到内容，很麻烦。", "分享是一种快乐。", "他返回顶部的房间。", "搜索引擎", "2019", "7 of 10",
]  # fmt: skip


@pytest.mark.parametrize("line", FURNITURE)
def test_furniture(line: str) -> None:
    assert pl.Series([line]).str.contains(pattern()).item()


@pytest.mark.parametrize("line", TEXT)
def test_text(line: str) -> None:
    assert not pl.Series([line]).str.contains(pattern()).item()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("他走了。（责任编辑：王小明）", "他走了。"),
        ("他走了。责任编辑：王小明", "他走了。"),
        ("他走了……点击阅读全文>>", "他走了……"),
        ("He left. Read more »", "He left."),
        ("He left... (continue reading)", "He left..."),
        ("I want to read more", "I want to read more"),
        ("我喜欢阅读原文", "我喜欢"),
    ],
)
def test_bylines(text: str, expected: str) -> None:
    assert pl.Series([text]).str.replace(BYLINE, "${end}").item() == expected


def test_lines_in_many_different_texts_are_found() -> None:
    pages = [f"Daily News\nstory number {n}\nits second line {n}\n  Write to us  " for n in range(30)]
    same = ["one\ntwo\nthree"] * 50
    scan = pl.LazyFrame({"text": [*pages, *same, "Daily News", None]})
    assert repeated_lines(scan, ("text", "absent"), share=0.5, num=10, lines=3) == ["Daily News", "Write to us"]
    assert repeated_lines(scan, ("text",), share=0.5, num=31, lines=3) == []
    assert (
        repeated_lines(pl.LazyFrame({"text": []}, schema={"text": pl.String}), ("text",), share=0.1, num=2, lines=3)
        == []
    )


def test_only_short_lines_of_texts_with_several_go() -> None:
    is_x = pl.col("stripped").str.starts_with("x")
    texts = pl.Series(["xx\na\n xx \nb", "xx", "xx\nxx\nxx", "xx\na", None, "x" * 300 + "\na\nb", "\nxx\n\na"])
    assert without_lines(texts, is_x, lines=3).to_list() == [
        "a\nb",
        "xx",
        "xx\nxx\nxx",
        "xx\na",
        None,
        "x" * 300 + "\na\nb",
        "a",
    ]


def test_of_long_texts_fewer_are_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    scan = pl.LazyFrame({"text": [f"Daily News\nstory {n}\n{'long ' * 20}" for n in range(40)]})
    monkeypatch.setattr(boilerplate, "_SAMPLE_BYTES", 20 * 120)
    assert repeated_lines(scan, ("text",), share=0.5, num=15, lines=3) == ["Daily News", "long " * 19 + "long"]
    assert repeated_lines(scan, ("text",), share=0.5, num=21, lines=3) == []
    monkeypatch.setattr(boilerplate, "_SAMPLE_BYTES", 0)
    assert repeated_lines(scan, ("text",), share=0.5, num=1, lines=3) != []
