"""Cut text into units with their places: what tags are counted by, and what explanations cut finer or coarser.

White space separates. A run of letters and digits is one unit; each Chinese character, each character of another script
without spaces (kana, Thai, Lao, Burmese, Khmer), each mark of punctuation and each symbol is one of its own. Tokenizers
of the BERT family cut in the same places before they look into their vocabulary.
"""

from __future__ import annotations

import functools
import json
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF), (0x3005, 0x3007))
_UNSPACED = ((0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F), (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))


class Word(NamedTuple):
    """A word and its place in the text, in characters: `text[start:end] == word`."""

    word: str
    start: int
    end: int


@functools.lru_cache(maxsize=65_536)
def kind_of(character: str) -> str:
    """Return `space`, `han`, `unspaced`, `punctuation`, `symbol` or `word`; empty for marks that modify another.

    >>> [kind_of(character) for character in "a好!\\u0301"]
    ['word', 'han', 'punctuation', '']
    """
    if not character or character.isspace():
        return "space"
    category = unicodedata.category(character)
    if category[0] == "M" or category == "Cf":
        return ""
    code = ord(character)
    if any(first <= code <= last for first, last in _HAN):
        return "han"
    if any(first <= code <= last for first, last in _UNSPACED):
        return "unspaced"
    return {"P": "punctuation", "S": "symbol"}.get(category[0], "word")


def units(text: str) -> list[Word]:
    """Return the units of a text in order, without white space.

    >>> [word for word, _, _ in units("Don't pay $3.50 在北京")]
    ['Don', "'", 't', 'pay', '$', '3', '.', '50', '在', '北', '京']
    """
    return [Word(text[start:end], start, end) for start, end in _places(text)]


def _places(text: str) -> Iterator[tuple[int, int]]:
    kind, start = "space", 0
    for place, character in enumerate(text):
        # Accents, vowel signs and emoji joiners belong to what they modify.
        found = kind_of(character) or kind
        if found == "word" == kind or (not kind_of(character) and kind != "space"):
            continue
        if kind != "space":
            yield start, place
        kind, start = found, place
    if kind != "space":
        yield start, len(text)


def string_list(cell: str) -> list[str] | None:
    """Return the strings of a JSON list; None for a cell that is anything else.

    >>> string_list('["EU", "rejects"]'), string_list("[1]"), string_list("EU rejects")
    (['EU', 'rejects'], None, None)
    """
    if not cell.startswith("["):
        return None
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):  # thousands of brackets are no list either
        return None
    return found if isinstance(found, list) and all(isinstance(item, str) for item in found) else None


def as_cell(strings: Sequence[str]) -> str:
    """Return the JSON list that `string_list` reads."""
    return json.dumps(list(strings), ensure_ascii=False)


def words_of(cell: str) -> tuple[str, list[Word]]:
    """Return the text that a cell stands for, and its words.

    A JSON list of strings gives its own words, with a space between them; any other cell is a text, cut into units.

    >>> words_of('["EU", "rejects"]')[1]
    [Word(word='EU', start=0, end=2), Word(word='rejects', start=3, end=10)]
    """
    given = string_list(cell)
    if given is None:
        return cell, units(cell)
    words, start = [], 0
    for word in given:
        words.append(Word(word, start, start + len(word)))
        start += len(word) + 1
    return " ".join(given), words


def alike(text: str) -> str:
    """Return what texts have in common that differ in case, width and white space only, as `data.fold` folds columns.

    >>> alike("Ｇreat\\t FILM ") == alike("great film")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())
