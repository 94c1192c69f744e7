"""Which Chinese characters and words sound alike, as people err who type by sound.

Readings are pypinyin's (https://github.com/mozillazg/python-pinyin), without tones and with the pairs that much of
China does not tell apart (zh z, ch c, sh s, n l, ang an, eng en, ing in). Characters are the 3,755 common ones, the
first level of GB 2312; words are those of two characters in jieba's dictionary. What stands in place of another is
drawn by the frequency that this dictionary gives it.
"""

from __future__ import annotations

import functools
import random
import unicodedata
from collections.abc import Sequence
from typing import Any

from oreline.data.texts.segmenter import segmenter
from oreline.errors import MissingExtraError

_TONES = frozenset("\u0300\u0301\u0304\u030c")
_FIRST_LEVEL = range(0xB0, 0xD8)
"""Rows of GB 2312 with common characters."""
_FEWEST = 20
"""Frequency of a word from which on somebody may have meant it."""


def sound(reading: str) -> str:
    """Return what a reading sounds like to somebody who does not tell near sounds apart.

    >>> sound("zhāng"), sound("zān"), sound("lǜ")
    ('zan', 'zan', 'nü')
    """
    bare = "".join(mark for mark in unicodedata.normalize("NFD", reading) if mark not in _TONES)
    plain = unicodedata.normalize("NFC", bare)
    if plain[:2] in ("zh", "ch", "sh"):
        plain = plain[0] + plain[2:]
    if plain[:1] == "l":
        plain = "n" + plain[1:]
    return plain[:-1] if plain.endswith(("ang", "eng", "ing")) else plain


def like_sounding(word: str, chance: random.Random) -> str | None:
    """Return another word, or the word with another character, that sounds alike; None where there is none.

    >>> like_sounding("再见", random.Random(0)) in words_of_sound()[("zai", "jian")]
    True
    """
    sounds = tuple(sound_of(character) for character in word)
    others = [other for other in words_of_sound().get(sounds, ()) if other != word]
    if others:
        return _drawn(others, chance)
    places = [place for place, heard in enumerate(sounds) if len(characters_of_sound().get(heard, ())) > 1]
    if not places:
        return None
    place = chance.choice(places)
    others = [other for other in characters_of_sound()[sounds[place]] if other != word[place]]
    return word[:place] + _drawn(others, chance) + word[place + 1 :] if others else None


def sound_of(character: str) -> str:
    """Return the sound of a character's first reading; empty for one that has none."""
    reading = _readings().get(ord(character), "")
    return sound(reading.split(",", 1)[0])


@functools.cache
def characters_of_sound() -> dict[str, tuple[str, ...]]:
    """Return the common characters of each sound."""
    found: dict[str, list[str]] = {}
    for character in common_characters():
        found.setdefault(sound_of(character), []).append(character)
    return {heard: tuple(characters) for heard, characters in found.items() if heard}


@functools.cache
def words_of_sound() -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return the words of two common characters that sound alike."""
    sounds = {character: sound_of(character) for character in common_characters()}
    found: dict[tuple[str, ...], list[str]] = {}
    for word, frequency in segmenter().FREQ.items():
        if frequency >= _FEWEST and len(word) == 2 and word[0] in sounds and word[1] in sounds:
            found.setdefault((sounds[word[0]], sounds[word[1]]), []).append(word)
    return {heard: tuple(sorted(words)) for heard, words in found.items() if len(words) > 1}


@functools.cache
def common_characters() -> tuple[str, ...]:
    """Return the characters of the first level of GB 2312.

    >>> len(common_characters())
    3755
    """
    pairs = (bytes((row, cell)) for row in _FIRST_LEVEL for cell in range(0xA1, 0xFF))
    decoded = (pair.decode("gb2312", "ignore") for pair in pairs)
    return tuple(character for character in decoded if character)


@functools.cache
def _readings() -> dict[int, str]:
    try:
        from pypinyin.pinyin_dict import pinyin_dict
    except ModuleNotFoundError as error:
        raise MissingExtraError("pypinyin", "data", "finding Chinese characters that sound alike") from error
    found: Any = pinyin_dict
    return dict(found)


def _drawn(words: Sequence[str], chance: random.Random) -> str:
    frequencies = segmenter().FREQ
    return chance.choices(words, [frequencies.get(word, 0) + 1 for word in words])[0]
