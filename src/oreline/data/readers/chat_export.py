"""Chats that a messenger exported as text."""

from __future__ import annotations

import codecs
import contextlib
import datetime
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import polars as pl

from oreline.data.input.archives import opened
from oreline.data.input.compressed import CutOffError, batches
from oreline.data.input.conversations import Turn, rows_of
from oreline.data.input.row_encodings import line_blocks
from oreline.errors import DataError

_HEAD_BYTES = 8192
_DATE = r"(?P<date>\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{4}年\d{1,2}月\d{1,2}日)"
_PART = "上午|下午|早上|晚上|中午|凌晨|午前|午後"
_TIME = rf"(?P<time>(?:(?:{_PART}) ?)?\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?:[\s\u202f]?[APap]\.?[Mm]\.?)?)"
_PATTERNS = (
    # [31.01.26, 14:05:09] Ann: Hello        31/01/2026, 2:05 PM - Ann: Hello
    re.compile(rf"^[\u200e\u200f]?\[?{_DATE},? {_TIME}\]?(?: -)? (?P<who>[^:：]{{1,80}})[:：] ?(?P<text>.*)$"),
    # 2026-01-31 14:05:09 张三, the text on the lines below
    re.compile(rf"^{_DATE} {_TIME} +(?P<who>\S[^:：]{{0,79}}?)(?:\([^()]{{3,40}}\))?$"),
    # 张三 2026-01-31 14:05:09, the text on the lines below
    re.compile(rf"^(?P<who>\S[^:：]{{0,79}}?) +{_DATE} {_TIME}$"),
)
_LINE = re.compile(rf"^{_TIME}\t(?P<who>[^\t]{{1,80}})\t(?P<text>.*)$")
"""LINE: the date stands above the messages of a day, and tabs divide the columns."""
_LINE_NOTICE = re.compile(rf"^{_TIME}\t[^\t]*$")
_LINE_HEADING = re.compile(r"^\[LINE\] ?\S")
_LINE_DAY = re.compile(rf"^(?:[^\W\d]{{2,4}}, )?{_DATE}(?: ?[(（][^()（）]{{1,5}}[)）])?$")
_NOTICE = re.compile(rf"^[\u200e\u200f]?\[?{_DATE},? {_TIME}\]?(?: -)? ")
_HEADING = re.compile(r"^(?:消息记录|={10,}$|消息分组[:：]|消息对象[:：])")
"""What QQ writes above the messages with each person."""
_PICTURES = (
    "图片|表情|语音|视频|文件|圖片|貼圖|链接|位置|名片|动画表情|照片|影片|語音訊息|檔案|"
    "スタンプ|写真|動画|ボイスメッセージ|ファイル|sticker|photo|video|voice message|file"
)
_LEFT_OUT = re.compile(
    r"(?i)^[\u200e\u200f]*(?:<media omitted>|.{0,20} omitted|<.{0,30}(?:attached|附件|省略|忽略|略去).{0,30}>|"
    r".{1,8}(?:已忽略|已省略|已略去)|(?:this message was|you) deleted(?: this message)?\.?|"
    r"(?:此消息已被?删除|您删除了这条消息|此訊息已刪除|您已刪除此訊息)。?|"
    rf"\[(?:{_PICTURES})\])$"
)


class Reader:
    """Chats that WhatsApp, WeChat, LINE and others export as text: each conversation is a row, a dialogue for `chat`.

    A message begins with its date, time and speaker on one line, and may go on below; of LINE the date stands above the
    messages of a day. A long silence ends a conversation. Who speaks first asks; media and notices are left out. QQ's
    headings are known, too. Held at a time: the conversation that is read (of a chat without a long silence all of it),
    and those of one frame.

    Args:
        assistant: names of those who answer; everybody but the first speaker when not given.
        silence_hours: a silence that ends a conversation, in hours.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".txt",)
    unpacks: ClassVar[bool] = True

    def __init__(self, *, assistant: Sequence[str] = (), silence_hours: float = 12.0) -> None:
        self._assistant = assistant
        self._silence = datetime.timedelta(hours=silence_hours)
        self.notes: list[str] = []
        """What was left out, once all is read."""

    @classmethod
    def knows(cls, path: Path) -> bool:
        """Whether a file begins with the lines of a chat: the first one, and three in all."""
        try:
            with opened(path) as stream:
                head = stream.read(_HEAD_BYTES)
        except Exception:  # reading it will say why
            return False
        lines = [line.strip("\r") for line in _text_of(head).split("\n") if line.strip()]
        if lines and _HEADING.match(lines[0]):
            lines = [line for line in lines if not _HEADING.match(line)]
        if lines and _LINE_HEADING.match(lines[0]):
            return any(map(_LINE.match, lines))
        matches = [any(pattern.match(line) for pattern in _PATTERNS) for line in lines]
        begins = bool(lines) and (matches[0] or bool(_NOTICE.match(lines[0])))
        return begins and sum(matches) >= 3

    def frames(self, path: Path, *, rows: int) -> Iterator[pl.DataFrame]:
        """Yield the conversations in frames of at most `rows`.

        Raises `DataError` for a file that is not text, or no chat, and for one in which nobody answers.
        """
        told = ((f"{path.name}#{number}", turns) for number, turns in enumerate(self._conversations(path), start=1))
        yield from rows_of(told, self._assistant, rows=rows, note=self.notes.append, place=path.name)

    def _conversations(self, path: Path) -> Iterator[list[Turn]]:
        turns: list[Turn] = []
        last: datetime.datetime | None = None
        broken: CutOffError | None = None
        try:
            for turn, when in _turns(path):
                if turns and when and last and abs(when - last) > self._silence:  # back in time: with somebody else
                    yield turns
                    turns = []
                turns.append(turn)
                last = when or last
        except CutOffError as error:
            broken = error
        if turns:
            yield turns
        if broken is not None:
            raise broken
        if last is None and not turns:
            raise DataError(
                "no line of the file begins a message",
                where=str(path),
                allowed="lines such as '31/01/2026, 14:05 - Ann: Hello', '[31.01.26, 14:05:09] Ann: Hello', "
                "'2026-01-31 14:05:09 Ann' or 'Ann 2026-01-31 14:05:09'",
                remedy="make it a table with the columns conversation, speaker, text and time, and say `dialogues`",
            )


def _turns(path: Path) -> Iterator[tuple[Turn, datetime.datetime | None]]:
    """Yield the messages with their times, in the order of the file."""
    day_first = _day_first(path)
    who, lines = "", list[str]()
    when: datetime.datetime | None = None
    day, is_line, before = "", False, ""
    for number, line in enumerate(_lines(path)):
        is_line = is_line or (number == 0 and bool(_LINE_HEADING.match(line)))
        patterns = (_LINE,) if is_line else _PATTERNS
        found = next((match for pattern in patterns if (match := pattern.match(line))), None)
        above = _LINE_DAY.match(line) if is_line and not before.strip() else None
        day, before = above["date"] if above else day, line
        if found is None and not above and not (_LINE_NOTICE if is_line else _NOTICE).match(line):
            lines += [] if _HEADING.match(line) else [line]
            continue
        if (text := _kept(lines, is_line=is_line)) and who:
            yield Turn(who, text, when.isoformat() if when else None), when
        lines = []
        if found is not None:
            who = found["who"].strip().lstrip("~\u202f ").strip()
            when = _when(day if is_line else found["date"], found["time"], day_first=day_first)
            lines = [found.groupdict().get("text") or ""]
    if (text := _kept(lines, is_line=is_line)) and who:
        yield Turn(who, text, when.isoformat() if when else None), when


def _lines(path: Path) -> Iterator[str]:
    for block in line_blocks(path):
        yield from (line.removesuffix("\r") for line in block.decode().removeprefix("\ufeff").split("\n")[:-1])


def _until_break(path: Path) -> Iterator[list[str]]:
    with contextlib.suppress(CutOffError):
        yield from batches(_lines(path), 1000)


def _kept(lines: Sequence[str], *, is_line: bool) -> str:
    text = "\n".join(line.lstrip("\u200e\u200f") for line in lines if not _LEFT_OUT.match(line)).strip()
    is_quoted = is_line and "\n" in text and text.startswith('"') and text.endswith('"')  # around several lines
    return text[1:-1].strip() if is_quoted and '"' not in text[1:-1] else text


def _text_of(head: bytes) -> str:
    """Return the beginning of a file as text, whatever it ends within."""
    codec = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    for name in (codec, "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return codecs.getincrementaldecoder(name)().decode(head)
    return head.decode(codec, "ignore")


def _day_first(path: Path) -> bool:
    """Whether dates are written day, month, year: a second number above 12 says no, anything else yes."""
    lines = (line for part in _until_break(path) for line in part)
    patterns: tuple[re.Pattern[str], ...] = _PATTERNS
    for number, line in enumerate(lines):
        if number == 0 and _LINE_HEADING.match(line):
            patterns = (_LINE_DAY,)
        found = next((match for pattern in patterns if (match := pattern.match(line))), None)
        if found and (numbers := [int(part) for part in re.findall(r"\d+", found["date"])])[0] <= 31:
            if numbers[0] > 12:
                return True
            if numbers[1] > 12:
                return False
    return True


def _when(date: str, time: str, *, day_first: bool) -> datetime.datetime | None:
    if not date:
        return None
    first, second, third = (int(part) for part in re.findall(r"\d+", date))
    year, month, day = (
        (first, second, third) if first > 31 else (third, *((second, first) if day_first else (first, second)))
    )
    clock = [int(part) for part in re.findall(r"\d+", time)]
    is_late = bool(re.search(r"(?i)p\.?m|下午|晚上|午後", time))
    hour = clock[0] + 12 if is_late and clock[0] < 12 else clock[0]
    if re.search(r"(?i)a\.?m|凌晨|上午|午前", time) and clock[0] == 12:
        hour = 0
    second = clock[2] if len(clock) > 2 else 0
    try:
        return datetime.datetime(year + 2000 if year < 100 else year, month, day, hour, clock[1], second)
    except ValueError:
        return None
