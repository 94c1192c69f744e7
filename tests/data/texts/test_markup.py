"""Markup goes, what is read stays, and what only looks like markup stays too."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from oreline.data.texts.markup import (
    BBCODE_SIGNS,
    HTML_SIGNS,
    LATEX_SIGNS,
    MARKDOWN_SIGNS,
    without_bbcode,
    without_html,
    without_latex,
    without_markdown,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A <b>fine</b> film", "A fine film"),
        ("这<em>部</em>电影<br />很好看", "这部电影\n很好看"),
        ("<div class='x'><p>one</p><p>two</p></div>", "\n\none\n\ntwo\n\n"),
        ('<a href="http://a.b/?x=1&y=2">here</a><img src=x alt=y>', "here"),
        ("<script>if (a < b) { x() }</script><style>p{}</style>seen<!-- not seen -->", "seen"),
        ("<table><tr><td>1</td><td>2</td></tr></table>", "\n\n\n1 \n2\n\n\n"),
        ("<!DOCTYPE html><html><body>x</body></html>", "\n\nx\n\n"),
        ("<o:p>word</o:p><font color=red>red</font>", "wordred"),
        ("if a < b and c > d", "if a < b and c > d"),
        ("I <3 it, List<String>, <unk> <pad> <user>", "I <3 it, List<String>, <unk> <pad> <user>"),
        ("<e1:PER>Ann</e1> works for <e2>Acme</e2>", "<e1:PER>Ann</e1> works for <e2>Acme</e2>"),
        ("未闭合的 <script>文字", "未闭合的 文字"),
        ("《<书名>》", "《<书名>》"),
    ],
)
def test_html(text: str, expected: str) -> None:
    assert without_html(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[b]粗[/b]体 [url=http://a.b]链接[/url]", "粗体 链接"),
        ("[quote=me]said[/quote]so", "\nsaid\nso"),
        ("[img]http://a.b/c.png[/img][IMG=1,2]x[/IMG]text", "text"),
        ("[size=3][color=red]红[/color][/size]", "红"),
        ("a[i] = b[s], [1] [注] [b]", "a[i] = b[s], [1] [注] [b]"),
    ],
)
def test_bbcode(text: str, expected: str) -> None:
    assert without_bbcode(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# Title\ntext", "Title\ntext"),
        ("### 标题 ###\n正文", "标题\n正文"),
        ("# 1 in sales", "# 1 in sales"),
        ("#话题#", "#话题#"),
        ("**bold** and *soft* and __strong__ and ~~gone~~", "bold and soft and strong and gone"),
        ("这是**重点**内容", "这是重点内容"),
        ("f**k and s**t, 2*3*4, a * b * c", "f**k and s**t, 2*3*4, a * b * c"),
        ("官网才卖*还送耳机，买*新机才*，建议", "官网才卖*还送耳机，买*新机才*，建议"),
        ("标间，这**也就200档次；我还**问", "标间，这**也就200档次；我还**问"),
        ("挺有趣的~~有照片哦~~ wasn`t Wilson`s", "挺有趣的~~有照片哦~~ wasn`t Wilson`s"),
        ("绝交不知道_(:3」∠)_ [doge](1P)", "绝交不知道_(:3」∠)_ [doge](1P)"),
        ("*Warning! Spoilers!* ***SO*** good", "Warning! Spoilers! SO good"),
        ("snake_case_name and __init__.py", "snake_case_name and __init__.py"),
        ('[text](http://a.b/c_(d) "title") ![alt](x.png)', "text alt"),
        ("> quoted\n> > too\n>", "quoted\ntoo\n"),
        (">_< 好\n>50% off", ">_< 好\n>50% off"),
        ("```python\nx = 1\n```\nafter `code`", "x = 1\nafter code"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a b\n1 2"),
        ("above\n---\nbelow\n***", "above\nbelow\n"),
        ("- one\n- two\n1. three", "- one\n- two\n1. three"),
        ("[1] (see) [a] (b)", "[1] (see) [a] (b)"),
    ],
)
def test_markdown(text: str, expected: str) -> None:
    assert without_markdown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\section{引言}\textbf{重点}内容\cite{a,b}。", "引言\n重点内容。"),
        (r"\begin{itemize}\item one \item two\end{itemize}", "\none two\n"),
        (r"50\% of A\&B, see Fig.~\ref{f}", "50% of A&B, see Fig."),
        (r"line\\ next", "line\n next"),
        (r"the week is\expected to be", r"the week is\expected to be"),
        (r"C:\temp\new \o/ ¯\_(ツ)_/¯", r"C:\temp\new \o/ ¯_(ツ)_/¯"),
        (r"$E = mc^2$ stays", r"$E = mc^2$ stays"),
    ],
)
def test_latex(text: str, expected: str) -> None:
    assert without_latex(text) == expected


OPEN_HALVES = [
    "<b", "<script>", "<!--", "[b", "[img]", "**a", "`", "[a](", "\\emph{", "| a ", "> ", "*a _b ", "\\begin{", "\n", " ", "#", "- ",
]  # fmt: skip


@pytest.mark.parametrize("strip", [without_html, without_bbcode, without_markdown, without_latex])
@pytest.mark.parametrize("part", OPEN_HALVES)
def test_open_halves_are_no_trap(strip: Callable[[str], str], part: str) -> None:
    """What takes time with the square of the length takes minutes for these."""
    strip(f"</x{part * 20_000}x")


def test_signs_are_in_every_text_that_changes() -> None:
    """Rust's patterns decide which texts are looked at; here Python stands in for them."""
    for signs, strip, texts in (
        (HTML_SIGNS, without_html, ["<p>", "</b>", "<br/>", "<!-- -->", "<?xml ?>"]),
        (BBCODE_SIGNS, without_bbcode, ["[b]x[/b]", "[url=a]x[/url]", "[h1]x[/h1]"]),
        (
            MARKDOWN_SIGNS,
            without_markdown,
            [
                "# a",
                "> a",
                "**a**",
                "*ab*",
                "_ab_",
                "`a`",
                "[a](b)",
                "a\n---\nb",
                "a\n===\n",
                "|a|b|\n|---|---|",
                "* * *",
                "*a*",
            ],
        ),
        (LATEX_SIGNS, without_latex, [r"\emph{a}", r"\item a", r"\%", "a\\\\", r"\begin{a}"]),
    ):
        for text in texts:
            assert strip(text) == text or re.search(signs, text), text
