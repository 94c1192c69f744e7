"""Places of private data in a text, and what all kinds of it share: boundaries, folding, words that say otherwise.

A boundary is ASCII only. Python's and Rust's word boundary takes a Chinese character for a letter, so that a number
glued to Chinese text has none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

BEFORE = r"(?<![0-9A-Za-z])"
AFTER = r"(?![0-9A-Za-z])"
NUMBER_BEFORE = r"(?<![0-9A-Za-z])(?<![0-9][.\-])"
"""Nor is what follows `12.` or `12-` the beginning of a number."""
NUMBER_AFTER = r"(?![0-9A-Za-z])(?!\.[0-9])"
DIGIT = re.compile("[0-9]")
JOIN = r"(?:号码?|编号)?(?:\s*(?:[:：=]|是|为|is)\s*|\s*)"
"""What stands between a word that names a value and the value."""

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_FOLD: dict[int, int | str] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    **dict.fromkeys([ord(dash) for dash in _DASHES], "-"),
    0x3000: " ",
    0x00A0: " ",
}
FOLDABLE = "[\uff10-\uff19\uff20-\uff3a\uff41-\uff5a\uff0b\uff0d\uff0e\u3000\u00a0]|[0-9)][\u2010-\u2015\u2212][0-9]"
"""Texts that have this are folded before anything is looked for; a pattern of Rust's."""

_OTHERWISE = re.compile(
    r"(?:订单|运单|快递|物流|包裹|单号|单据|流水|批次|批号|发票|条码|货号|型号|编码|序列号?|商品|交易|票号|案号|工单"
    r"|货架"
    r"|order|tracking|invoice|parcel|receipt|serial|batch|ticket|reference|sku|item|part|transaction|isbn|issn|doi)"
    r"(?:号码?|编号|单号|流水号|\s*(?:number|no\.?|num|id|code))?\s*(?:是|为|is|was|[:：#=])?\s*#?[A-Za-z]{0,4}$",
    re.IGNORECASE,
)
_LOOK_BACK = 32


class Span(NamedTuple):
    """A place in a text, in characters, and the kind of private data there."""

    start: int
    end: int
    kind: str


Places = Iterator[tuple[int, int]]


class Hint(NamedTuple):
    """A pattern of Rust's for whole columns, and a rough one that matches wherever it does."""

    exact: str
    rough: str
    """Cheap beside those of other hints in one expression: no counted repeats of classes with many letters."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of private data."""

    name: str
    zh: str
    """What stands in its place in a Chinese text, without brackets."""
    en: str
    """What stands in its place in any other text."""
    find: Callable[[str], Places]
    """Says where the data stand in a folded text."""
    hints: tuple[str | Hint, ...] = ()
    """Patterns of Rust's, of which every text with such data matches one."""
    wide_hints: tuple[str | Hint, ...] = ()
    """Likewise, of texts that are not ASCII alone."""


def folded(text: str) -> str:
    """Return a text with full-width characters as ASCII, as many characters as before.

    >>> folded("１３８　１２３４　５６７８＠")
    '138 1234 5678@'
    """
    return text.translate(_FOLD)


def begun(
    pattern: re.Pattern[str], cue: re.Pattern[str], text: str, *, any_case: bool = False
) -> Iterator[re.Match[str]]:
    """Yield what `pattern.finditer` does, where every match begins with a match of the cue.

    Python tries a pattern that begins with a look-behind, or ignores case, at every place of a text, slowly. A cue
    that begins with one of some characters is found fast.

    Args:
        pattern: what is looked for; never empty.
        cue: what it begins with.
        text: where.
        any_case: the cue is in small letters and stands for any.

    >>> [match[0] for match in begun(re.compile("(?<![a-z])no [0-9]"), re.compile("no"), "no 1, piano 2, no 3")]
    ['no 1', 'no 3']
    """
    where = text.casefold() if any_case else text
    if len(where) != len(text):  # a letter such as ß has become two: places differ
        yield from pattern.finditer(text)
        return
    place = cue.search(where)
    while place is not None:
        match = pattern.match(text, place.start())
        if match is not None:
            yield match
        place = cue.search(where, place.start() + 1 if match is None else match.end())


def disowned(text: str, start: int) -> bool:
    """Whether the words before a number say that it is something else: an order, an invoice, a serial number.

    >>> disowned("订单号：13812345678", 4), disowned("手机号：13812345678", 4)
    (True, False)
    """
    return _OTHERWISE.search(text, max(0, start - _LOOK_BACK), start) is not None


def without_overlaps(found: Iterable[tuple[int, Span]]) -> list[Span]:
    """Return spans in the order of the text, of those that overlap the one of the lowest rank, then the longest.

    >>> without_overlaps([(1, Span(0, 5, "qq")), (0, Span(3, 9, "email"))])
    [Span(start=3, end=9, kind='email')]
    """
    chosen: list[Span] = []
    for _, span in sorted(found, key=lambda item: (item[0], item[1].start - item[1].end, item[1].start)):
        if all(span.end <= other.start or other.end <= span.start for other in chosen):
            chosen.append(span)
    return sorted(chosen)
