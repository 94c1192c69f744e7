"""Convert between simplified and traditional Chinese with OpenCC, and leave alone what is in the wanted script already.

OpenCC (https://github.com/BYVoid/OpenCC) converts every character it knows: `余先生` in a traditional text would
become `餘先生`. So a line is converted only where it holds characters that its own script alone has: to simplified
where it has a character that is in Big5 and not in GB 2312, and that OpenCC changes; to traditional unless it has such
and none of the opposite kind. Texts with kana are Japanese and stay.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from oreline.data.texts.edits import Change, on_matches
from oreline.errors import MissingExtraError

Conversion = Literal[
    "t2s", "tw2s", "tw2sp", "hk2s", "s2t", "s2tw", "s2twp", "s2hk", "t2tw", "t2hk", "tw2t", "hk2t"
]  # fmt: skip

_TRADITIONAL = "後於菸"
"""In GB 2312, too, and yet in simplified texts for a few names only."""
_HAN = ((0x3400, 0x4DC0), (0x4E00, 0xA000))
_KANA = re.compile("[ぁ-ねは-ゖァ-ヺ]")  # の alone stands in Chinese brand names


class Scripts(NamedTuple):
    """Patterns for characters of one script alone."""

    simplified: re.Pattern[str]
    traditional: re.Pattern[str]


def converting(conversion: Conversion) -> Change:
    """Return the change of a column that OpenCC's configuration of this name stands for.

    >>> import polars as pl
    >>> converting("t2s")(pl.Series(["餘先生在後面", "余先生", "今日は後で"])).to_list()
    ['余先生在后面', '余先生', '今日は後で']
    """
    if conversion.startswith("s2"):
        wanted: Callable[[str], bool] = _is_simplified
        pattern = r"\p{Han}"
    elif "2s" in conversion:
        wanted = _is_traditional
        pattern = scripts().traditional.pattern
    else:
        wanted, pattern = (lambda line: True), r"\p{Han}"

    def converted(text: str) -> str:
        if _KANA.search(text):
            return text
        convert, rare = opened(conversion).convert, _rare(conversion)
        return "\n".join([convert(line).translate(rare) if wanted(line) else line for line in text.split("\n")])

    return on_matches(pattern, converted)


def _is_simplified(line: str) -> bool:
    return not scripts().traditional.search(line) or bool(scripts().simplified.search(line))


def _is_traditional(line: str) -> bool:
    return bool(scripts().traditional.search(line))


@functools.cache
def opened(conversion: str) -> Any:
    """Return OpenCC's converter, opened once in a process."""
    try:
        import opencc
    except ModuleNotFoundError as error:
        raise MissingExtraError("opencc", "data", "converting Chinese") from error
    return opencc.OpenCC(conversion)


@functools.cache
def _rare(conversion: str) -> dict[int, str]:
    """Return what stays for each character that OpenCC knows and most fonts do not: 頫 for 𫖯."""
    convert = opened(conversion).convert
    found = {character: convert(character) for character in _characters()}
    return {ord(rare): common for common, rare in found.items() if len(rare) == 1 and ord(rare) > 0xFFFF}


def _characters() -> list[str]:
    return [chr(code) for low, high in _HAN for code in range(low, high)]


@functools.cache
def scripts() -> Scripts:
    """Return what tells the scripts apart: the character sets of the mainland and of Taiwan, and OpenCC's tables."""
    characters = _characters()
    simplified = [c for c in characters if _is_in(c, "gb2312") and not _is_in(c, "big5")]
    traditional = [c for c in characters if c in _TRADITIONAL or (_is_in(c, "big5") and not _is_in(c, "gb2312"))]
    return Scripts(_changed(simplified, "s2t"), _changed(traditional, "t2s"))


def _is_in(character: str, charset: str) -> bool:
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def _changed(characters: list[str], conversion: str) -> re.Pattern[str]:
    convert = opened(conversion).convert
    return re.compile(f"[{''.join(c for c in characters if convert(c) != c)}]")
