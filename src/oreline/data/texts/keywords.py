"""Find the words of lists in texts, by Aho–Corasick: one pass over a text, however long the lists are.

Text and lists are folded (full width, compatibility forms, case). A word that begins or ends with a Latin letter or a
digit is found only where no other one stands beside it there: `ass` not in `class`, but in `死ass的`. `\\b` would not
do: a Chinese character is a word character to it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from oreline.data.fold import folded
from oreline.errors import DataError, MissingExtraError, UsageError

_MAX_LIST_BYTES = 64 << 20
_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_BETWEEN_HAN = re.compile(rf"(?<=[{_HAN}])[^\w{_HAN}\n]{{1,3}}(?=[{_HAN}])|(?<=[{_HAN}])_{{1,3}}(?=[{_HAN}])")
_SPELLED = re.compile(
    r"(?<![a-z0-9])[a-z0-9](?:[^\w\n]{1,3}[a-z0-9]){2,}(?![a-z0-9])|(?<![a-z0-9])[a-z0-9](?:_[a-z0-9]){2,}(?![a-z0-9])"
)
_NO_WORD = re.compile(r"[\W_]+")


class Keywords:
    """Lists of words by category, ready to be looked for.

    Args:
        lists: category to words; white space around them and case do not count.
        separators: also find words with marks or spaces put between their characters: `b.a.d`, `坏*人`.

    Raises `UsageError` when the lists hold no word.
    """

    def __init__(self, lists: Mapping[str, Iterable[str]], *, separators: bool = False) -> None:
        try:
            import ahocorasick
        except ModuleNotFoundError as error:
            raise MissingExtraError("pyahocorasick", "data", "looking for the words of a list") from error
        self._separators = separators
        self._found: Any = ahocorasick.Automaton()
        self.categories = tuple(lists)
        for number, words in enumerate(lists.values()):
            for word in pl.DataFrame({"word": list(words)}, schema={"word": pl.String}).select(folded("word"))["word"]:
                if word and word not in self._found:
                    self._found.add_word(word, (number, len(word), _is_latin(word[0]), _is_latin(word[-1])))
        if not len(self._found):
            raise UsageError("the lists hold no word", allowed="one word or phrase a line")
        self._found.make_automaton()

    def shares(self, texts: pl.Series) -> list[tuple[str, float, int] | None]:
        """Return, for each text, the category with most characters, their share (0 to 1) and the number of words found.

        The share is of the characters that are no white space. None where no word is found.

        >>> Keywords({"rude": ["damn", "笨蛋"]}).shares(pl.Series(["你这个笨蛋！", "Damn it", "damnation"]))
        [('rude', 0.333..., 1), ('rude', 0.666..., 1), None]
        """
        plain = texts.fill_null("").to_frame("text").select(folded("text"))["text"].to_list()
        return [self._share(text) for text in plain]

    def _share(self, text: str) -> tuple[str, float, int] | None:
        if self._separators:
            text = _SPELLED.sub(lambda match: _NO_WORD.sub("", match[0]), _BETWEEN_HAN.sub("", text))
        spans: dict[int, list[tuple[int, int]]] = {}
        for last, (number, length, bounded_left, bounded_right) in self._found.iter(text):
            start, end = last - length + 1, last + 1
            if bounded_left and start and _is_latin(text[start - 1]):
                continue
            if bounded_right and end < len(text) and _is_latin(text[end]):
                continue
            spans.setdefault(number, []).append((start, end))
        if not spans:
            return None
        covered = {number: _covered(found) for number, found in spans.items()}
        worst = max(covered, key=lambda number: (covered[number][0], -number))
        characters = len(text) - sum(map(str.isspace, text))
        return self.categories[worst], min(1.0, covered[worst][0] / characters), covered[worst][1]


def read_list(file: str | Path) -> list[str]:
    """Return the words of a text file, one a line; lines that begin with `# ` are remarks.

    Raises `DataError` for a file that is missing, too large or not UTF-8.
    """
    path = Path(file)
    try:
        if path.stat().st_size > _MAX_LIST_BYTES:
            raise DataError("the list is too large", where=str(path), allowed=f"{_MAX_LIST_BYTES >> 20} MB")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise DataError(f"the list cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise DataError("the list is not UTF-8", where=str(path), remedy="save it as UTF-8") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("# ")]


def _covered(spans: list[tuple[int, int]]) -> tuple[int, int]:
    """Return how many characters some stretches cover together, and how many stretches that is."""
    total = count = end = 0
    for start, stop in sorted(spans):
        if stop > end:
            total += stop - max(start, end)
            count += start >= end
            end = stop
    return total, count


def _is_latin(character: str) -> bool:
    if character.isascii():
        return character.isalnum()
    return character.isalpha() and unicodedata.name(character, "").startswith("LATIN")
