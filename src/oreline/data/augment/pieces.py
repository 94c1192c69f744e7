"""A text as pieces that can be exchanged: words, Chinese ones by jieba, the spaces and marks between them, and tags.

Pieces put together again are the text, character by character. Where a row has tags, each piece knows the tags of its
words, so that a text that is changed keeps a tag for every word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from oreline.data.texts.segmenter import segmenter
from oreline.metrics.tags import OUTSIDE
from oreline.words import as_cell, string_list, units

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_LETTER = rf"(?:(?![{HAN}])[^\W_])"
_PIECE = re.compile(rf"[{HAN}]+|{_LETTER}+(?:['’-]{_LETTER}+)*|\s+|.", re.DOTALL)
_IS_HAN = re.compile(f"[{HAN}]")
_IS_WORD = re.compile(rf"[{HAN}]+|{_LETTER}+(?:['’-]{_LETTER}+)*")
_HAS_LETTER = re.compile(rf"[{HAN}]|[^\W\d_]")

NEGATIONS = frozenset(
    {
        "no", "not", "nor", "never", "none", "nobody", "nothing", "nowhere", "neither", "without", "cannot", "hardly",
        "barely",
        "不", "没", "没有", "无", "未", "非", "别", "莫", "勿", "毋", "否", "不是", "不会", "不能", "不要", "并非",
        "毫无", "从不", "从未", "绝不", "未必", "不必", "不可", "不够", "不太", "不好",
        "沒", "沒有", "無", "別", "不會",
    }
)  # fmt: skip
"""Words that turn the meaning of a text around. They stay where they are. Written for Oreline."""
_CUT_OFF = ("t", "s", "d", "m", "ll", "re", "ve")
"""What of `don't` and `it's` is a word of its own where tags are counted by units."""


class Piece(NamedTuple):
    """A stretch of a text."""

    text: str
    tags: tuple[str, ...] | None = None
    """The tag of each of its words, as the row counts them; None where the row has no tags."""
    words: tuple[str, ...] | None = None
    """Its words, where the row is a list of words."""

    @property
    def is_word(self) -> bool:
        """Whether it is one word with letters: no number, no mark, no space, no negation; outside of any entity."""
        if self.tags is not None and any(tag != OUTSIDE for tag in self.tags):
            return False
        if not _IS_WORD.fullmatch(self.text) or not _HAS_LETTER.search(self.text):
            return False
        folded = self.text.lower().replace("’", "'")
        return folded not in NEGATIONS and not folded.endswith("n't") and folded not in _CUT_OFF

    @property
    def is_space(self) -> bool:
        """Whether it is white space."""
        return self.text.isspace()

    @property
    def is_chinese(self) -> bool:
        """Whether it is a word of Chinese characters."""
        return _IS_HAN.match(self.text) is not None

    def written(self, text: str) -> Piece:
        """Return a piece with another text in its place, outside of any entity."""
        if self.tags is None:
            return Piece(text)
        if self.words is None:
            return Piece(text, (OUTSIDE,) * len(units(text)))
        is_cut = len(self.words) > 1 or (self.is_chinese and len(self.words[0]) == 1)
        words = tuple(text) if is_cut else (text,)
        return Piece(text, (OUTSIDE,) * len(words), words)


def cut(text: str) -> list[str]:
    """Return the pieces of a text; joined they are the text.

    >>> cut("I don't like 这部电影, OK?")
    ['I', ' ', "don't", ' ', 'like', ' ', '这部', '电影', ',', ' ', 'OK', '?']
    """
    found: list[str] = []
    for run in _PIECE.findall(text):
        found += segmenter().cut(run) if _IS_HAN.match(run) else [run]
    return found


def pieces_of(cell: str, tags: str | None = None) -> list[Piece]:
    """Return the pieces of a row.

    Args:
        cell: a text; with tags, also a JSON list of words.
        tags: the JSON list with a tag for each word.
    """
    if tags is None:
        return [Piece(text) for text in cut(cell)]
    given = string_list(tags) or []
    words = string_list(cell)
    return list(_tagged_words(words, given) if words is not None else _tagged_text(cell, given))


def joined(pieces: Sequence[Piece]) -> tuple[str, str | None] | None:
    """Return the cell and the tags that pieces stand for; None where words have run together, so that tags do not fit.

    >>> joined([Piece("a", ("O",)), Piece("b", ("O",))]) is None
    True
    """
    if not pieces or pieces[0].tags is None:
        return "".join(piece.text for piece in pieces), None
    tags = [tag for piece in pieces for tag in piece.tags or ()]
    if any(piece.words is not None for piece in pieces):
        return as_cell([word for piece in pieces for word in piece.words or ()]), as_cell(tags)
    text = "".join(piece.text for piece in pieces)
    alone = [unit.word for piece in pieces for unit in units(piece.text)]
    if [unit.word for unit in units(text)] != alone or len(alone) != len(tags):
        return None
    return text, as_cell(tags)


def _tagged_text(text: str, tags: Sequence[str]) -> Iterator[Piece]:
    """Yield the pieces of a text with their tags; a row whose tags do not fit is one piece that nothing changes."""
    texts = cut(text)
    counts = [len(units(piece)) for piece in texts]
    if sum(counts) != len(tags):
        yield Piece(text, tuple(tags))
        return
    place = 0
    for piece, count in zip(texts, counts):
        yield Piece(piece, tuple(tags[place : place + count]))
        place += count


def _tagged_words(words: Sequence[str], tags: Sequence[str]) -> Iterator[Piece]:
    """Yield a piece for each word of a list; neighbours that are one Chinese character each are cut as one text."""
    place = 0
    while place < len(words):
        end = place
        while end < len(words) and len(words[end]) == 1 and _IS_HAN.match(words[end]):
            end += 1
        sizes = [len(text) for text in cut("".join(words[place:end]))] if end > place else [1]
        for size in sizes:
            own = tuple(words[place : place + size])
            yield Piece("".join(own), tuple(tags[place : place + size]), own)
            place += size
