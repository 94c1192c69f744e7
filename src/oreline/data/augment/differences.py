"""Two texts side by side, cut around the first place where they differ, with what differs in brackets."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from oreline.data.augment.pieces import HAN

OPEN, CLOSE = "⟦", "⟧"
_WORD = re.compile(rf"[^\W\d_{HAN}]+|\d+|.", re.DOTALL)
"""A word of letters, a number, or one character: every Chinese one by itself."""
_BEFORE = 40
"""Characters that stand before the first difference."""
_COMPARED = 600


def side_by_side(before: str, after: str, width: int = 160) -> tuple[str, str]:
    """Return two texts cut to about so many characters, in which `⟦ ⟧` hold what the other has differently.

    >>> side_by_side("a fine film", "a good film")
    ('a ⟦fine⟧ film', 'a ⟦good⟧ film')
    >>> side_by_side("房间很干净", "房间很很干净")
    ('房间很⟦⟧干净', '房间很⟦很⟧干净')
    """
    start = _start(before, after)
    both = [_WORD.findall(text[start : start + _COMPARED]) for text in (before, after)]
    parts: list[list[tuple[str, bool]]] = [[], []]
    for what, *bounds in difflib.SequenceMatcher(None, both[0], both[1], autojunk=False).get_opcodes():
        for words, (low, high), found in zip(both, (bounds[:2], bounds[2:]), parts):
            found.append(("".join(words[low:high]), what != "equal"))
    heads = ["…" if start else "", "…" if start else ""]
    ends = [len(text) > start + _COMPARED for text in (before, after)]
    return _cut(heads[0], parts[0], width, more=ends[0]), _cut(heads[1], parts[1], width, more=ends[1])


def _start(before: str, after: str) -> int:
    """Return where to begin: at the beginning, or a little before the first difference, at the start of a word."""
    pairs = enumerate(zip(before, after))
    common = next((place for place, (one, other) in pairs if one != other), min(len(before), len(after)))
    if common <= 2 * _BEFORE:
        return 0
    place = common - _BEFORE
    words = [found.start() for found in _WORD.finditer(before[:common])]
    return next((start for start in words if start >= place), place)


def _cut(head: str, parts: Sequence[tuple[str, bool]], width: int, *, more: bool) -> str:
    """Write parts one behind the other until they are as long as that; brackets are always closed."""
    shown, left = [head], width
    for number, (text, differs) in enumerate(parts):
        piece = text[:left]
        shown.append(f"{OPEN}{piece}{CLOSE}" if differs else piece)
        left -= len(piece)
        if len(piece) < len(text) or (left <= 0 and any(rest for rest, _ in parts[number + 1 :])):
            return "".join(shown) + "…"
    return "".join(shown) + ("…" if more else "")
