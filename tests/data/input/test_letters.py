"""Letters in all their forms, and broken ones."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from tests.data.written import letter, mbox

from oreline.data.input import letters
from oreline.data.input.letters import letter_of, messages_of, without_quotes
from oreline.errors import DataError

MULTI = b"""From: =?gb2312?B?1cXI/Q==?= <zhang@example.org>\r
Subject: Two parts\r
Content-Type: multipart/alternative; boundary=b\r
\r
--b\r
Content-Type: text/html; charset=utf-8\r
\r
<p>Hello <b>there</b></p>\r
--b\r
Content-Type: text/plain; charset=gbk\r
Content-Transfer-Encoding: base64\r
\r
xOO6ww==\r
--b\r
Content-Type: text/plain\r
Content-Disposition: attachment; filename="x.txt"\r
\r
not this\r
--b--\r
"""


def test_plain_text_stands_before_html_and_attachments_are_left() -> None:
    found = letter_of(MULTI)
    assert (found.text, found.subject, found.sender) == ("你好", "Two parts", "张三 <zhang@example.org>")
    html = letter_of(MULTI.replace(b"text/plain; charset=gbk", b"application/pdf"))
    assert (html.text or "").split() == ["Hello", "there"]


def test_what_html_quotes_goes_and_answers_between_stay() -> None:
    html = letter("<p>Hello</p><blockquote>Is it open?<blockquote>Hm</blockquote></blockquote>Yes.").replace(
        b"text/plain", b"text/html"
    )
    assert (letter_of(html).text or "").split() == ["Hello", "Yes."]
    assert "> Is it open?" in (letter_of(html, quotes=True).text or "")


def test_headers_make_threads() -> None:
    first, answer = letter_of(letter("Hi", 1)), letter_of(letter("Ho", 2, answers=1))
    assert first.thread == answer.thread == "<m1@example.org>"
    assert (answer.message_id, answer.parent) == ("<m2@example.org>", "<m1@example.org>")
    assert first.date == "2026-01-05T10:01:00+01:00"
    assert first.subject == "你好 1"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Yes.\n\nOn 5 Jan, Ann <a@b.c> wrote:\n> No?\n", "Yes."),
        ("好。\n\n-----原始邮件-----\n发件人: 张三\n问题", "好。"),
        ("> quoted first\nand an answer\n> more\nand one more", "and an answer\nand one more"),
        ("On Monday I wrote:\nall of it", "On Monday I wrote:\nall of it"),
        ("5 > 3", "5 > 3"),
        (
            "Hello,\n\nOn 5 Jan, Ann <a@b.c> wrote:\n> Is it open?\nYes.\n> Until when?\nSix.\n",
            "Hello,\n\nYes.\nSix.",
        ),
        ("On 5 Jan, Ann wrote:\n> Is it open?\n\nYes.", "Yes."),
        ("Yes.\n\nOn Mon, 5 Jan 2026 at 10:00, A Rather Long Name <long.name@example.org>\nwrote:\n\n> Open?", "Yes."),
        ("好。\n\n在 2026年1月5日星期一，某某股份有限公司客户服务部\n<kefu@example.org> 写道：\n> 开门吗？", "好。"),
        ('好。\n\nAt 2026-01-05 10:00:00, "Zhang" <z@example.org> wrote:\n>Is it open?', "好。"),
        ("好。\n\n------------------ Original ------------------\nFrom: 张三\nIs it open?", "好。"),
        ("好。\n\n---- 回复的原邮件 ----\n发件人 张三\n开门吗？", "好。"),
        ("好。\n\n发件人: 张三\n发送时间: 2026年1月5日\n主题: 问\n\n开门吗？", "好。"),
        ("My trip:\nFrom: the sea\nTo the hills and back.", "My trip:\nFrom: the sea\nTo the hills and back."),
        (
            "I read what\nOn Liberty is about and what Mill\nwrote:\nall of it",
            "I read what\nOn Liberty is about and what Mill\nwrote:\nall of it",
        ),
    ],
)
def test_quotes_are_cut(text: str, kept: str) -> None:
    assert without_quotes(text) == kept
    assert letter_of(letter(text), quotes=True).text == text.strip()


def test_broken_letters_lose_only_what_is_broken() -> None:
    data = b"From: =?no-such?B?!!!?=\nDate: yesterday\nSubject: =?utf-8?Q?=FF=FE?=\nContent-Type: text/plain; charset=klingon\nContent-Transfer-Encoding: base64\n\n%%%\n"
    found = letter_of(data)
    assert found.date is None
    assert found.sender
    assert all(part is None or part.encode() for part in found[:-1])
    chance = random.Random(0)
    for _ in range(150):
        damaged = bytearray(MULTI[: chance.randrange(1, len(MULTI))])
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        assert all(part is None or part.encode() for part in letter_of(bytes(damaged))[:-1])


def test_a_mailbox_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"letter {number}\nFrom here on\n>From there" for number in range(30)]
    data = mbox(
        [
            letter(text.replace("\nFrom ", "\n>From ").replace("\n>From there", "\n>>From there"), n)
            for n, text in enumerate(texts, 1)
        ]
    )
    for part_bytes in (700, 1 << 20):
        monkeypatch.setattr(letters, "_PART_BYTES", part_bytes)
        found = [letter_of(message.data, quotes=True).text for message in messages_of(io.BytesIO(data), tmp_path)]
        assert found == texts
    monkeypatch.setattr(letters, "MAX_LETTER_BYTES", 400)
    for part_bytes in (700, 1 << 20):
        monkeypatch.setattr(letters, "_PART_BYTES", part_bytes)
        long, short = messages_of(io.BytesIO(mbox([letter("x" * 5000, 1), letter("y", 2)])), tmp_path)
        assert letter_of(long.data, is_whole=long.is_whole).is_cut
        assert not letter_of(short.data, is_whole=short.is_whole).is_cut


@pytest.mark.parametrize(("data", "says"), [(b"", "empty"), (b"text,label\n", "no mailbox")])
def test_what_is_no_mailbox(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says):
        list(messages_of(io.BytesIO(data), tmp_path))


def test_a_letter_is_cut_only_where_its_text_may_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    attached = MULTI.replace(b"not this", b"not this " * 2000)
    monkeypatch.setattr(letters, "MAX_LETTER_BYTES", 4000)
    found = letter_of(attached)
    assert (found.text, found.is_cut) == ("你好", False), "what is attached is cut, which is not read"
    assert letter_of(MULTI.replace(b"text/html", b"image/png").replace(b"<p>", b"<p>" * 5000)).is_cut, "no text yet"
    assert letter_of(letter("x" * 5000)).is_cut
    monkeypatch.setattr(letters, "MAX_LETTER_BYTES", len(letter("x" * 5000)))
    assert not letter_of(letter("x" * 5000)).is_cut
    assert letter_of(letter("x" * 5000), is_whole=False).is_cut
