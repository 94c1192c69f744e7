"""Pages: declared encodings, main texts, and markup that is hostile."""

from __future__ import annotations

import random

import pytest
from tests.data.written import LONG, page

from oreline.data.input.pages import decoded, links_of, page_of, plain_text

TEXT = "这部电影很好看，推荐给大家。"


@pytest.mark.parametrize(
    ("codec", "head", "told"),
    [
        ("utf-8", "", ""),
        ("gb18030", "", ""),
        ("gbk", '<meta charset="gb2312">', ""),
        ("big5", '<meta http-equiv="Content-Type" content="text/html; charset=big5">', ""),
        ("utf-8", '<meta charset="gbk">', "text/html; charset=UTF-8"),
        ("utf-16", "", ""),
        ("gb18030", '<?xml version="1.0" encoding="gbk"?>', ""),
        ("utf-8", '<meta charset="no-such-thing">', ""),
    ],
)
def test_the_declared_encoding_decides(codec: str, head: str, told: str) -> None:
    text = "好看推荐大家" if codec == "big5" else TEXT
    assert decoded(f"{head}<p>{text}".encode(codec), told) == f"{head}<p>{text}"


def test_broken_bytes_do_not_lose_the_page() -> None:
    assert decoded(b'<meta charset="utf-8">a\xffb').endswith("a\ufffdb")
    assert decoded("café".encode("cp1252"), "charset=ISO-8859-1") == "café"


def test_the_main_text_stands_without_menus() -> None:
    found = page_of(
        page(
            f"{LONG}\n{TEXT}",
            "标题",
            '<meta charset="utf-8"><meta property="article:published_time" content="2026-01-05">',
        )
    )
    assert TEXT in (found.text or "")
    assert "About us" not in (found.text or "")
    assert "Copyright" not in (found.text or "")
    assert (found.title, found.date) == ("标题", "2026-01-05")


@pytest.mark.parametrize("script", ["", "<script>" + "var words = 1; " * 500 + "</script>"])
def test_a_short_chinese_page_has_no_menus_in_its_text(script: str) -> None:
    words = "这部电影讲述了两兄弟多年以后在海边小镇重逢的故事。导演用缓慢而细腻的镜头讲述他们的经历。演员的表演非常出色，配乐恰到好处。"
    menu = "<nav><a href='/'>首页</a> | <a href='/a'>关于我们</a></nav>"
    html = f"<html><head>{script}</head><body>{menu}<main><article><h1>题目在此</h1><p>{words}</p><p>{words[:30]}</p></article></main></body></html>"
    assert (page_of(html).text or "").split("\n") == ["题目在此", words, words[:30]]


@pytest.mark.parametrize(
    ("said", "date"),
    [
        ("<p>发布时间：2026年1月31日 10:20</p>", "2026-01-31"),
        ("<span>更新于</span> <b>2026-01-31</b>", "2026-01-31"),
        ("<p>Published: January 31, 2026</p>", "2026-01-31"),
        ("<p>Posted by Ann on 31 Jan. 2026</p>", "2026-01-31"),
        ("<p>The battle of 12 May 1999 was long.</p>", None),
        ("<p>发布时间：2026年13月31日</p>", None),
    ],
)
def test_a_date_is_one_that_the_page_calls_its_own(said: str, date: str | None) -> None:
    html = (
        page(f"{LONG}")
        .replace("<p>", f"{said}<p>", 1)
        .replace("</body>", "<footer>Copyright 2024 ACME</footer></body>")
    )
    assert page_of(html).date == date


def test_a_page_without_a_main_text() -> None:
    assert page_of("") == page_of(" \0 ") == (None, None, None)
    assert page_of("<html><title>Only a title</title><body></body></html>").text is None


def test_hostile_markup_is_no_hang_and_no_error() -> None:
    chance = random.Random(0)
    whole = page(f"{LONG} {TEXT}")
    cases = [
        "<div>" * 20_000 + "x",
        "<" * 50_000,
        "<a href='" * 5000,
        "<!--" * 10_000,
        "\ud800 <p>x",
        "&#x0;&#xd800;" * 99,
        "<table>" * 2000,
    ]
    cases += ["".join(chance.sample(whole, len(whole))) for _ in range(3)]
    cases += [whole[: chance.randrange(len(whole))] for _ in range(3)]
    for case in cases:
        found = page_of(case)
        assert all(part is None or part.encode() for part in found)
        assert isinstance(plain_text(case), str)
        assert isinstance(links_of(case), list)


def test_links_and_what_asks_not_to_follow() -> None:
    html = '<a href=" /a ">x</a><a rel="nofollow" href="/b">y</a><a name="c">z</a>'
    assert links_of(html) == ["/a"]
    assert links_of('<meta name="ROBOTS" content="noindex, NOFOLLOW">' + html) == []
    assert plain_text("<p>one</p><p>二</p>").split() == ["one", "二"]
