"""Undo texts that were decoded with the wrong encoding, without touching correct ones.

Three kinds are repaired, each picked out by a pattern that correct text hardly ever matches and taken back only by
strict decoding:

* UTF-8 read as Latin-1, Windows-1252 and their like (`fiancÃ©`, `ä½ å¥½`): ftfy (https://ftfy.readthedocs.io) on the
  lines in question, its encoding step alone; its other steps would fold Chinese punctuation and quotes.
* GBK read as Latin-1 (`ÄãºÃ` for 你好): runs of accented characters that are common Chinese characters two by two.
* UTF-8 read as GBK (`浣犲ソ` for 你好): runs of mostly rare characters that are valid UTF-8 in their GBK bytes and
  common Chinese when read so.
"""

from __future__ import annotations

import functools
import re
from collections import Counter

import polars as pl

from oreline.data.fold import changed_where, is_foreign
from oreline.data.texts.edits import Change, on_matches
from oreline.errors import MissingExtraError

_FOLLOWS = (
    "\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc"
    "\u2013\u2014\u2018-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122"
)
"""What bytes 80 to BF become in Latin-1 and Windows-1252: they follow the lead byte (C2 to F4) of a UTF-8 character."""
_LATIN = f"[\u00c2-\u00f4][{_FOLLOWS}]|\u00c3 |[\u0080-\u009f]"
_OTHER_PAGES = r"(?:[РС]\S){3}|‚Ä|√[©®†∂≥±§]|‰[^\s\d]"
"""The same through Windows-1251 and Mac Roman."""
_GBK_PAIR = "(?:[\u00b0-\u00f7\u00a1-\u00a3][\u00a1-\u00fe])"
_GBK_PAIRS = f"{_GBK_PAIR}{{2,}}"
_UTF8_BYTES = re.compile("[\u00e4-\u00e9][\u0080-\u009f\u0152-\u0192\u2013-\u2122\u02c6\u02dc]")
"""Stands in UTF-8 read as Latin-1 and not in GBK read so: second bytes below A1."""
_NOT_ASCII = re.compile("[^\x00-\x7f]+")
_HAN = re.compile("[\u4e00-\u9fff]")
_CJK = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef\u2014\u2018-\u201d\u2026\u00b7]+")
_MOST_COMMON = 0.35
"""Share of common characters up to which a run may be UTF-8 read as GBK: Chinese text has 0.9, such runs 0.1."""


def utf8_as_latin(text: pl.Series) -> pl.Series:
    """Undo UTF-8 that was read as a code page of one byte a character.

    >>> utf8_as_latin(pl.Series(["fiancÃ© â€œyesâ€\\x9d", "ä½\\xa0å¥½ï¼\\x81", "“你好”…—café", "naïve"])).to_list()
    ['fiancé “yes”', '你好！', '“你好”…—café', 'naïve']
    """
    return _on_foreign(text, on_matches(f"{_LATIN}|{_OTHER_PAGES}", _by_ftfy))


def gbk_as_latin(text: pl.Series) -> pl.Series:
    """Undo GBK that was read as Latin-1.

    >>> gbk_as_latin(pl.Series(["ÄãºÃ£¬ÊÀ½ç", "Ça été à Évreux"])).to_list()
    ['你好，世界', 'Ça été à Évreux']
    """
    return _on_foreign(text, on_matches(_GBK_PAIRS, _by_pairs))


def utf8_as_gbk(text: pl.Series) -> pl.Series:
    """Undo UTF-8 that was read as GBK. A character that was lost on the way becomes U+FFFD.

    >>> utf8_as_gbk(pl.Series(["浣犲ソ锛屼笘鐣�", "联通公司", "鲲鹏展翅"])).to_list()
    ['你好，世�', '联通公司', '鲲鹏展翅']
    """
    return _on_foreign(text, on_matches(_first_characters(), lambda some: _NOT_ASCII.sub(_gbk_run, some)))


def _on_foreign(text: pl.Series, change: Change) -> pl.Series:
    return changed_where(text, is_foreign(text), change)


def _by_ftfy(text: str) -> str:
    try:
        import ftfy
    except ModuleNotFoundError as error:
        raise MissingExtraError("ftfy", "data", "mending wrongly decoded texts") from error
    lines = []
    for line in text.split("\n"):
        fixed = line if line.isascii() else ftfy.fix_encoding(line)
        # Chinese characters are never part of this kind of damage: a repair that loses one is none.
        lines.append(line if Counter(_HAN.findall(line)) - Counter(_HAN.findall(fixed)) else fixed)
    return "\n".join(lines)


def _by_pairs(text: str) -> str:
    return "\n".join(line if _UTF8_BYTES.search(line) else _line_by_pairs(line) for line in text.split("\n"))


def _line_by_pairs(line: str) -> str:
    mended = re.sub(_GBK_PAIRS, _latin_run, line)
    # Beside longer runs a single character may stand alone, as in `7ÔÂ20ÈÕ`.
    return mended if mended == line else re.sub(_GBK_PAIR, _latin_pair, mended)


def _latin_pair(pair: re.Match[str]) -> str:
    try:
        read = pair[0].encode("latin-1").decode("gb2312")
    except UnicodeDecodeError:
        return pair[0]
    return read if _CJK.fullmatch(read) else pair[0]


def _latin_run(run: re.Match[str]) -> str:
    encoded = run[0].encode("latin-1")
    try:
        read = encoded.decode("gb2312")
    except UnicodeDecodeError:
        return run[0]
    if encoded.decode("utf-8", "ignore").encode("utf-8") == encoded:
        return run[0]
    # `······` and `°°°°` are marks, not letters: what GBK becomes in Latin-1 has letters among them.
    num_letters = sum(map(str.isalpha, run[0]))
    return read if len(set(run[0])) > 2 and 3 * num_letters >= len(run[0]) and _is_chinese(read) else run[0]


def _gbk_run(run: re.Match[str]) -> str:
    text = run[0]
    if sum(map(_is_common, text)) > _MOST_COMMON * len(text):
        return text
    # A byte that is in no encoding stands for what was lost.
    pieces = [
        b"\xff" if piece == "\ufffd" else piece.encode("gb18030") for piece in re.split("(\ufffd)", text) if piece
    ]
    read = b"".join(pieces).decode("utf-8", "replace")
    kept = read.replace("\ufffd", "")
    num_lost = len(read) - len(kept)
    if num_lost > 3 * text.count("\ufffd") + 1 or not _is_chinese(kept):
        return text
    return re.sub("\ufffd+", "\ufffd", read)


def _is_chinese(text: str) -> bool:
    """Whether a text reads like Chinese: Han, most of them common, and the marks that go with them."""
    han = _HAN.findall(text)
    num_other = len(_CJK.sub("", text))
    return len(han) >= 2 and 10 * num_other <= len(text) and sum(map(_is_common, han)) >= 0.8 * len(han)


@functools.cache
def _first_characters() -> str:
    """Return a pattern for what the first two bytes of UTF-8 Chinese are in GBK, followed by anything but ASCII."""
    first = {bytes((lead, trail)).decode("gbk") for lead in range(0xE4, 0xEA) for trail in range(0x80, 0xC0)}
    return f"[{''.join(sorted(first))}][^\x00-\x7f]"


@functools.lru_cache(maxsize=32_768)
def _is_common(character: str) -> bool:
    """Whether a character is one of the 3,755 that GB 2312 calls common (level 1)."""
    try:
        encoded = character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return len(encoded) == 2 and 0xB0 <= encoded[0] <= 0xD7
