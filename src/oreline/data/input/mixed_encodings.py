"""Files of Chinese text in two encodings: UTF-8 reads as GB18030 too, as other characters, so that nothing fails."""

from __future__ import annotations

import re

_HAN = re.compile("[\u4e00-\u9fff]")
_SURE_HAN = 4
"""Chinese characters in a line from which it cannot be UTF-8 by chance: bytes of GB18030 seldom come in such threes."""
_LIKELY_HAN, _LIKELY_SHARE = 2, 0.01


def utf8_lines(block: bytes, *, is_start: bool = True, is_end: bool = True) -> tuple[list[int], int]:
    """Return which lines of a block are UTF-8 with Chinese characters, and how many lines are not plain ASCII.

    Lines with few characters count only where there are several such, since by chance some are both.

    Args:
        block: bytes that decode as GB18030.
        is_start: the block begins with a line; otherwise its first one is cut and not looked at.
        is_end: likewise at its end.

    >>> utf8_lines("好电影,1".encode("gbk") + b"\\n" + "好电影很好看,1".encode())
    ([1], 2)
    """
    lines = block.split(b"\n")
    first, stop = int(not is_start), len(lines) if is_end else len(lines) - 1
    sure: list[int] = []
    likely: list[int] = []
    num_foreign = 0
    for number in range(first, stop):
        line = lines[number]
        if line.isascii():
            continue
        num_foreign += 1
        try:
            num_han = len(_HAN.findall(line.decode()))
        except UnicodeDecodeError:
            continue
        if num_han >= _SURE_HAN:
            sure.append(number)
        elif num_han >= _LIKELY_HAN:
            likely.append(number)
    enough = bool(sure) or len(likely) >= max(1, _LIKELY_SHARE * num_foreign)
    return sorted(sure + likely) if enough else [], num_foreign


def offset_of(block: bytes, line: int) -> int:
    """Return where a line of a block begins.

    >>> offset_of(b"ab\\nc\\nd", 2)
    5
    """
    return sum(len(part) + 1 for part in block.split(b"\n", line)[:line])


def without_lines(block: bytes, lines: list[int]) -> bytes:
    """Return a block without some of its lines.

    >>> without_lines(b"a\\nb\\nc", [1])
    b'a\\nc'
    """
    gone = set(lines)
    return b"\n".join(line for number, line in enumerate(block.split(b"\n")) if number not in gone)
