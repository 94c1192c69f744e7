"""Cut text into words with their places: spaced scripts at spaces and punctuation, Chinese by jieba.

Mixed text is cut run by run: `iPhone手机很喜欢` is `iPhone`, `手机`, `很`, `喜欢`. Other scripts without spaces (kana,
Thai, Lao, Burmese, Khmer) are cut by character, since no segmenter for them is at hand. Runs of punctuation and of
symbols (emoji) are words too: models rest on them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from oreline.data.texts.segmenter import segmenter
from oreline.words import Word, kind_of, units

COVER = "…"
"""What stands for a word that is left out where nothing may move, or nothing else would be left."""

_JOINERS = {"'", "’", "-"}
"""Between two letters they belong to the word: don't, well-made."""


def split(text: str) -> list[Word]:
    """Return the words of a text in order, without white space.

    >>> [word for word, _, _ in split("Don't buy it!!! 这部电影很好看😀")]
    ["Don't", 'buy', 'it', '!!!', '这部', '电影', '很', '好看', '😀']
    """
    words: list[Word] = []
    for kind, characters in itertools.groupby(zip(_kinds(text), itertools.count()), key=lambda pair: pair[0]):
        places = [place for _, place in characters]
        start, end = places[0], places[-1] + 1
        if kind == "han":
            words += _chinese(text[start:end], start)
        elif kind == "unspaced":
            words += _by_character(text[start:end], start)
        elif kind != "space":
            words.append(Word(text[start:end], start, end))
    return words


def without(text: str, words: Sequence[Word]) -> str:
    """Return the text without some of its words; of the spaces around a word one goes with it.

    >>> text = "a good film"
    >>> without(text, [split(text)[1]])
    'a film'
    """
    kept: list[str] = []
    place, before = 0, " "
    for _, start, end in sorted(words, key=lambda word: word.start):
        if place < start:
            kept.append(text[place:start])
            before = text[start - 1]
        place = end + 1 if text[end : end + 1].isspace() and before.isspace() else end
    return "".join([*kept, text[place:]])


def covered(text: str, words: Sequence[Word]) -> str:
    """Return the text with “…” for each unit of some of its words, so that it has as many units as before.

    >>> text = "in New York 很好看"
    >>> covered(text, [split(text)[1], split(text)[3]])
    'in … York …好看'
    """
    kept: list[str] = []
    place = 0
    for _, start, end in units(text):
        if any(word.start < end and start < word.end for word in words):
            kept += [text[place:start], COVER]
            place = end
    return "".join([*kept, text[place:]])


def _kinds(text: str) -> Iterator[str]:
    kind = "space"
    for place, character in enumerate(text):
        if character in _JOINERS and kind == "word" and kind_of(text[place + 1 : place + 2]) == "word":
            yield kind
            continue
        # Accents, vowel signs and emoji joiners have no kind of their own: they belong to what they modify.
        kind = kind_of(character) or kind
        yield kind


def _by_character(run: str, offset: int) -> Iterator[Word]:
    starts = [place for place, character in enumerate(run) if kind_of(character) or place == 0]
    for start, end in zip(starts, [*starts[1:], len(run)]):
        yield Word(run[start:end], offset + start, offset + end)


def _chinese(run: str, offset: int) -> Iterator[Word]:
    for word in segmenter().cut(run):
        yield Word(word, offset, offset + len(word))
        offset += len(word)
