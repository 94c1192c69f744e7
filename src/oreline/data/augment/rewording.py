"""Easy data augmentation: synonyms in place of words, words inserted, swapped and deleted.

Wei and Zou 2019, "EDA: Easy Data Augmentation Techniques for Boosting Performance on Text Classification Tasks". Here
negations are never touched, case and spaces are kept, and Chinese is cut by jieba.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

from oreline.data.augment.making import Row, Variant
from oreline.data.augment.pieces import Piece, joined, pieces_of
from oreline.data.augment.synonyms import Synonyms
from oreline.metrics.tags import OUTSIDE

Operation = Literal["synonym", "insert", "swap", "delete"]

_MAX_DELETED = 0.5
"""Share of the words that may go from a text."""


class Rewording:
    """Makes variants of rows by some operations, in turn.

    Args:
        operations: what is done.
        synonyms: words by word; without any, `synonym` and `insert` do nothing.
        share: share of the words that change, at least one.
    """

    def __init__(self, operations: Sequence[Operation], synonyms: Synonyms, share: float) -> None:
        needs = ("synonym", "insert")
        self._operations = [name for name in operations if synonyms or name not in needs]
        self._synonyms, self._share = synonyms, share

    def variants(self, row: Row, chance: random.Random, num: int) -> list[Variant | None]:
        """Return so many variants of a row, fewer where an operation finds nothing to do."""
        pieces = pieces_of(row.text, row.tags)
        words = [place for place, piece in enumerate(pieces) if piece.is_word]
        found: list[Variant | None] = []
        for number in range(num if words and self._operations else 0):
            how = self._operations[number % len(self._operations)]
            changed = self._changed(how, pieces, words, chance)
            if changed is None:
                continue
            cell = joined(changed)
            found.append(Variant(*cell, how) if cell is not None else None)
        return found

    def _changed(
        self, how: Operation, pieces: Sequence[Piece], words: Sequence[int], chance: random.Random
    ) -> list[Piece] | None:
        """Return other pieces; None where the operation finds nothing to do."""
        num = max(1, round(self._share * len(words)))
        match how:
            case "synonym":
                return self._with_synonyms(pieces, words, num, chance)
            case "insert":
                return self._with_inserted(pieces, words, num, chance)
            case "swap":
                return _swapped(pieces, words, num, chance)
            case "delete":
                return _without_some(pieces, words, self._share, chance)

    def _with_synonyms(
        self, pieces: Sequence[Piece], words: Sequence[int], num: int, chance: random.Random
    ) -> list[Piece] | None:
        known = [place for place in words if pieces[place].text.lower() in self._synonyms]
        if not known:
            return None
        changed = list(pieces)
        for place in chance.sample(known, min(num, len(known))):
            changed[place] = pieces[place].written(self._synonym(pieces[place].text, chance))
        return changed

    def _with_inserted(
        self, pieces: Sequence[Piece], words: Sequence[int], num: int, chance: random.Random
    ) -> list[Piece] | None:
        known = [place for place in words if pieces[place].text.lower() in self._synonyms]
        if not known:
            return None
        before: dict[int, list[Piece]] = {}
        for _ in range(num):
            word = self._synonym(pieces[chance.choice(known)].text.lower(), chance)
            # Before a word that is outside of entities, so that none of these is torn apart.
            place = chance.choice(words)
            after = pieces[place]
            is_spaced = after.words is None and not (after.is_chinese and Piece(word).is_chinese)
            space = [after.written(" ")] if is_spaced else []
            before.setdefault(place, []).extend([after.written(word), *space])
        return [new for place, piece in enumerate(pieces) for new in [*before.get(place, ()), piece]]

    def _synonym(self, word: str, chance: random.Random) -> str:
        return cased(chance.choice(self._synonyms[word.lower()]), word)


def cased(word: str, like: str) -> str:
    """Return a word in the case of another one.

    >>> cased("glad", "Happy"), cased("glad", "HAPPY"), cased("NASA", "agency")
    ('Glad', 'GLAD', 'NASA')
    """
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word


def _swapped(pieces: Sequence[Piece], words: Sequence[int], num: int, chance: random.Random) -> list[Piece] | None:
    if len(words) < 2:
        return None
    changed = list(pieces)
    for _ in range(num):
        first, second = chance.sample(words, 2)
        changed[first], changed[second] = changed[second], changed[first]
    return changed


def _without_some(
    pieces: Sequence[Piece], words: Sequence[int], share: float, chance: random.Random
) -> list[Piece] | None:
    """Return the pieces without each word with the probability `share`, but without one word at least."""
    words = [place for place in words if not _parts_entities(pieces, place)]
    if len(words) < 2:
        return None
    gone = [place for place in words if chance.random() < share] or [chance.choice(words)]
    most = max(1, int(len(words) * _MAX_DELETED))
    leaving = set(chance.sample(gone, most) if len(gone) > most else gone)
    for place in sorted(leaving):
        # Of the spaces around a word one goes with it.
        if place and pieces[place - 1].is_space:
            leaving.add(place - 1)
        elif place + 1 < len(pieces) and pieces[place + 1].is_space:
            leaving.add(place + 1)
    return [piece for place, piece in enumerate(pieces) if place not in leaving]


def _parts_entities(pieces: Sequence[Piece], place: int) -> bool:
    """Whether a word stands alone between two entities, which would become one where their tags do not say better."""
    sides = (reversed(pieces[:place]), iter(pieces[place + 1 :]))
    beside = [
        next((piece.tags[-1 if n == 0 else 0] for piece in side if piece.tags), OUTSIDE) for n, side in enumerate(sides)
    ]
    return OUTSIDE not in beside
