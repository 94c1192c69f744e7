"""Letters: the parts of an e-mail message that are read, without trusting any of it."""

from __future__ import annotations

import email
import email.policy
import email.utils
import itertools
import re
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path
from typing import NamedTuple

from oreline.data.input.compressed import Bytes
from oreline.data.input.pages import decoded, plain_text
from oreline.errors import DataError

MAX_LETTER_BYTES = 8 << 20
"""More is not looked at: the text comes first, and what is large is attached. Where the text goes on, it is said."""
_MAX_PARTS = 200
_PART_BYTES = 1 << 20
_FROM = re.compile(rb"(?:^|\n)From [^\n]{1,500}\n")
_SAID_BEFORE = re.compile(
    r"(?im)^(?:(?:on|at) [^\n]{5,200}(?:\n(?!>)[^\n]{0,200})?wrote[:：]|"
    r"(?:(?:在|于|\d{4})[^\n]{0,200}\n(?!>))?[^\n]{0,200}(?:写道|寫道)[:：])[ \t]*$"
)
"""What a mail program writes above a quotation; it breaks the line where it is long."""
_MARKED = re.compile(r"\s*>")
_DATED = re.compile(r"[0-9@]")
_ALL_BELOW = re.compile(
    r"(?im)^(?:-{3,} *(?:original(?: message)?|replied message|原始邮件|原始郵件|邮件原件|回复的原邮件|转发邮件信息|"
    r"forwarded message) *-{3,}|_{10,}|(?:from|发件人|寄件者)[:：] .{1,200}\n(?:sent|date|to|发送时间|发送日期|日期|"
    r"时间|收件人|寄件日期|收件者)[:：].*)[ \t]*$"
)
"""What stands above a whole letter that is quoted as it is."""
_QUOTED = re.compile(r"(?m)^>.*\n?")
_ID = re.compile(r"<[^<>\s]{1,500}>")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Letter(NamedTuple):
    """What is taken of a message; None for what it does not have."""

    text: str | None
    subject: str | None
    sender: str | None
    to: str | None
    date: str | None
    """ISO 8601."""
    thread: str | None
    """The id of the first message of the thread, as far as the message names it."""
    message_id: str | None
    parent: str | None
    is_cut: bool = False
    """Whether the text may go on behind what was looked at."""


class Raw(NamedTuple):
    """A message of a mailbox, as it stands there."""

    data: bytes
    is_whole: bool
    """Whether nothing of it was left out, since it is longer than `MAX_LETTER_BYTES`."""


def letter_of(data: bytes, *, quotes: bool = False, is_whole: bool = True) -> Letter:
    """Return what a message says; whatever is broken in it is None.

    Args:
        data: the message with its headers.
        quotes: keep what the message quotes of those before it.
        is_whole: whether the data are all of the message.
    """
    message = email.message_from_bytes(data[:MAX_LETTER_BYTES], policy=email.policy.compat32)
    text, is_last = _body(message)
    is_cut = is_last and not (is_whole and len(data) <= MAX_LETTER_BYTES)
    if text and not quotes:
        text = without_quotes(text)
    own = _ids(message, "Message-ID")
    references, answered = _ids(message, "References"), _ids(message, "In-Reply-To")
    before = [*references, *answered]
    return Letter(
        _clean(text),
        _header(message, "Subject"),
        _header(message, "From"),
        _header(message, "To"),
        _date(message),
        next(iter([*before, *own]), None),
        own[0] if own else None,
        references[-1] if references else answered[0] if answered else None,
        is_cut,
    )


def without_quotes(text: str) -> str:
    r"""Return a letter without what it quotes of those before it.

    Lines that begin with `>` go, with the line above them that says who wrote them: answers that stand between or below
    them stay. Where such a line has no `>` behind it, and where a letter is quoted whole, all that is below goes.

    >>> without_quotes("On Monday, Ann wrote:\n> Is it open?\nYes.\n> Until when?\nSix.\n")
    'Yes.\nSix.'
    >>> without_quotes("好的\n在 2026年1月5日, 张三 写道：\n开门吗？")
    '好的'
    """
    kept, at, has_text = list[str](), 0, False
    for found in _SAID_BEFORE.finditer(text):
        has_text = has_text or bool(text[at : found.start()].strip())
        if _MARKED.match(text, found.end()):
            kept.append(text[at : found.start()])
            at = found.end() + 1
        elif has_text and _DATED.search(found[0]):
            kept.append(text[at : found.start()])
            at = len(text)
            break
        else:
            has_text = True
    text = "".join([*kept, text[at:]])
    below = _ALL_BELOW.search(text)
    text = text[: below.start()] if below and text[: below.start()].strip() else text
    return re.sub(r"\n{3,}", "\n\n", _QUOTED.sub("", text + "\n" if not text.endswith("\n") else text)).strip()


def messages_of(stream: Bytes, path: Path) -> Iterator[Raw]:
    """Yield the messages of a mailbox (mbox), each without its `From ` line.

    Raises `DataError` for a file that does not begin as one.
    """
    held = b"\n" + stream.read(_PART_BYTES)
    if not held.strip():
        raise DataError("the file is empty", where=str(path), remedy="check how it was written, or leave it out")
    if not held.lstrip().startswith(b"From "):
        raise DataError(
            "the file is no mailbox: it does not begin with 'From '",
            where=str(path),
            allowed="an mbox file; a single message is named .eml",
            remedy="export the mailbox again",
        )
    message: bytes | None = None
    is_whole = True
    while held:
        found = _FROM.search(held)
        end = found.start() if found else max(len(held) - 600, 0)
        if message is not None and end:
            is_whole = len(message) < MAX_LETTER_BYTES
            message += held[:end] if is_whole else b""
        if found:
            if message is not None:
                yield Raw(_unescaped(message), is_whole)
            message, is_whole, held = b"", True, held[found.end() - 1 :]
            continue
        more = stream.read(_PART_BYTES)
        if not more:
            yield Raw(_unescaped((message or b"") + (held[end:] if is_whole else b"")), is_whole)
            return
        held = held[end:] + more


def _unescaped(message: bytes) -> bytes:
    return re.sub(rb"(?m)^>(>*From )", rb"\1", message.lstrip(b"\n"))


def _body(message: Message) -> tuple[str | None, bool]:
    """Return the first plain text, or the first HTML as text, that is not attached, and whether it is the last part."""
    html, is_last = None, True
    parts = list(itertools.islice(message.walk(), _MAX_PARTS + 1))
    for part in parts:
        kind = part.get_content_type()
        if part.is_multipart() or kind not in ("text/plain", "text/html"):
            continue
        if "attachment" in str(part.get("Content-Disposition", "")).lower():
            continue
        text = _part_text(part)
        if kind == "text/plain" and text.strip():
            return text, part is parts[-1]
        if html is None:
            is_last = part is parts[-1]
            html = text if kind == "text/html" else None
    return plain_text(html) if html else None, is_last


def _part_text(part: Message) -> str:
    try:
        payload = part.get_payload(decode=True)
    except Exception:  # the standard library trips over some broken encodings
        payload = None
    data = payload if isinstance(payload, bytes) else b""
    try:
        charset = str(part.get_content_charset() or "")
    except Exception:  # as above
        charset = ""
    return decoded(data, f"charset={charset}" if charset else "")


def _header(message: Message, name: str) -> str | None:
    try:
        value = message.get(name)
        return None if value is None else _clean(re.sub(r"\s+", " ", str(make_header(decode_header(value)))))
    except Exception:  # an encoded word in an unknown or a broken encoding
        return _clean(re.sub(r"\s+", " ", str(message.get(name, ""))))


def _date(message: Message) -> str | None:
    try:
        return email.utils.parsedate_to_datetime(str(message.get("Date", ""))).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _ids(message: Message, name: str) -> list[str]:
    return [_SURROGATE.sub("?", found) for found in _ID.findall(str(message.get(name, ""))[:20_000])]


def _clean(text: str | None) -> str | None:
    plain = _SURROGATE.sub("\ufffd", text or "").replace("\r\n", "\n").strip()
    return plain or None
