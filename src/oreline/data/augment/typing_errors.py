"""Words as people mistype them: English by neighbouring keys, Chinese by sound and by shape."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence
from typing import Literal

from oreline.data.augment.chinese_sounds import like_sounding
from oreline.data.augment.making import Row, Variant
from oreline.data.augment.near_shapes import like_looking
from oreline.data.augment.pieces import Piece, joined, pieces_of

Noise = Literal["keyboard", "transpose", "drop", "double", "sound", "shape"]

_KEYS = (("qwertyuiop", 0.0), ("asdfghjkl", 0.25), ("zxcvbnm", 0.75))
"""Rows of a QWERTY keyboard, and how far each is shifted to the right, in keys."""
_REACH = 1.3
"""Distance in keys up to which a finger errs."""
_SHORTEST = 4
"""Letters of an English word that is still read with one of them wrong."""


class Mistyping:
    """Makes variants of rows by one kind of error each, in turn.

    Args:
        noises: kinds of errors.
        share: share of the words that err, at least one.
    """

    def __init__(self, noises: Sequence[Noise], share: float) -> None:
        self._noises, self._share = tuple(noises), share

    def variants(self, row: Row, chance: random.Random, num: int) -> list[Variant | None]:
        """Return so many variants of a row, fewer where no word can err so."""
        pieces = pieces_of(row.text, row.tags)
        english = [place for place, piece in enumerate(pieces) if _is_typed(piece)]
        chinese = [place for place, piece in enumerate(pieces) if piece.is_word and piece.is_chinese]
        usable = [noise for noise in self._noises if (chinese if noise in ("sound", "shape") else english)]
        found: list[Variant | None] = []
        for number in range(num if usable else 0):
            noise = usable[number % len(usable)]
            places = chinese if noise in ("sound", "shape") else english
            changed = self._changed(noise, pieces, places, chance)
            if changed is None:
                continue
            cell = joined(changed)
            found.append(Variant(*cell, noise) if cell is not None else None)
        return found

    def _changed(
        self, noise: Noise, pieces: Sequence[Piece], places: Sequence[int], chance: random.Random
    ) -> list[Piece] | None:
        num = max(1, round(self._share * len(places)))
        changed, done = list(pieces), 0
        for place in chance.sample(places, len(places)):
            word = _ERRORS[noise](pieces[place].text, chance)
            if word is not None:
                changed[place] = pieces[place].written(word)
                done += 1
            if done == num:
                break
        return changed if done else None


@functools.cache
def keyboard() -> dict[str, str]:
    """Return the keys next to each letter.

    >>> keyboard()["s"], keyboard()["p"]
    ('adewxz', 'lo')
    """
    places = {key: (column + shift, row) for row, (keys, shift) in enumerate(_KEYS) for column, key in enumerate(keys)}
    found = {}
    for key, (x, y) in places.items():
        distances = {other: (x - x2) ** 2 + (y - y2) ** 2 for other, (x2, y2) in places.items() if other != key}
        found[key] = "".join(sorted(other for other, square in distances.items() if square <= _REACH**2))
    return found


def _is_typed(piece: Piece) -> bool:
    text = piece.text
    return piece.is_word and len(text) >= _SHORTEST and text.isascii() and text.isalpha()


def _by_neighbour(word: str, chance: random.Random) -> str | None:
    place = chance.randrange(len(word))
    wrong = chance.choice(keyboard()[word[place].lower()])
    return word[:place] + (wrong.upper() if word[place].isupper() else wrong) + word[place + 1 :]


def _transposed(word: str, chance: random.Random) -> str | None:
    places = [place for place in range(1, len(word) - 1) if word[place] != word[place + 1]]
    if not places:
        return None
    place = chance.choice(places)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _dropped(word: str, chance: random.Random) -> str | None:
    place = chance.randrange(1, len(word))
    return word[:place] + word[place + 1 :]


def _doubled(word: str, chance: random.Random) -> str | None:
    place = chance.randrange(len(word))
    return word[: place + 1] + word[place].lower() + word[place + 1 :]


_ERRORS: dict[str, Callable[[str, random.Random], str | None]] = {
    "keyboard": _by_neighbour,
    "transpose": _transposed,
    "drop": _dropped,
    "double": _doubled,
    "sound": like_sounding,
    "shape": like_looking,
}
