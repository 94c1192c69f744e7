"""Words exchanged for those that a masked language model would put into their place.

Kobayashi 2018, "Contextual Augmentation", without the label as an input: the filter of `oreline.data.augment.making`
looks after that. Of an English word the whole is masked, of a Chinese one a character: so are the models' own words.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from oreline.data.augment.making import Row, Variant
from oreline.data.augment.pieces import NEGATIONS, Piece, joined, pieces_of
from oreline.data.augment.rewording import cased

TOP = 10
"""Words that a model is asked for, for each gap."""


class Gap(NamedTuple):
    """A place in a row where a word stands: piece `place`, its characters `start` to `end`."""

    place: int
    start: int
    end: int


class Open(NamedTuple):
    """A row with the gaps that are asked for, and what may fill each: words with their probability."""

    row: Row
    pieces: list[Piece]
    gaps: list[Gap]
    words: list[list[tuple[str, float]]]


class Filling:
    """Makes variants of rows from the words that a model gives.

    Args:
        share: share of the words that change, at least one.
        min_probability: of a word that may fill a gap.
    """

    def __init__(self, share: float, min_probability: float) -> None:
        self._share, self._least = share, min_probability

    def asked(self, model: Any, rows: Sequence[Row], chances: Sequence[random.Random], num: int) -> list[Open]:
        """Return the rows with as many gaps as `num` variants need, filled by the model in one call."""
        found = [self._opened(row, chance, num) for row, chance in zip(rows, chances)]
        sides = [_sides(opened, gap) for opened in found for gap in opened.gaps]
        answers = iter(model.fill(sides, TOP) if sides else ())
        return [
            opened._replace(words=[self._fitting(opened, gap, next(answers)) for gap in opened.gaps])
            for opened in found
        ]

    def variants(self, opened: Open, chance: random.Random, num: int) -> list[Variant | None]:
        """Return so many variants of a row, fewer where no word fits."""
        usable = [number for number, words in enumerate(opened.words) if words]
        count = max(1, round(self._share * sum(piece.is_word for piece in opened.pieces)))
        found: list[Variant | None] = []
        for _ in range(num if usable else 0):
            pieces = list(opened.pieces)
            for number in chance.sample(usable, min(count, len(usable))):
                gap, words = opened.gaps[number], opened.words[number]
                old = opened.pieces[gap.place]
                new = chance.choices([word for word, _ in words], [share for _, share in words])[0]
                pieces[gap.place] = old.written(old.text[: gap.start] + cased(new, old.text) + old.text[gap.end :])
            cell = joined(pieces)
            found.append(Variant(*cell, "masked") if cell is not None else None)
        return found

    def _opened(self, row: Row, chance: random.Random, num: int) -> Open:
        pieces = pieces_of(row.text, row.tags)
        words = [place for place, piece in enumerate(pieces) if piece.is_word]
        count = max(1, round(self._share * len(words))) * num
        gaps = []
        for place in sorted(chance.sample(words, min(count, len(words)))):
            text = pieces[place].text
            start = chance.randrange(len(text)) if pieces[place].is_chinese else 0
            gaps.append(Gap(place, start, start + 1 if pieces[place].is_chinese else len(text)))
        return Open(row, pieces, gaps, [])

    def _fitting(self, opened: Open, gap: Gap, answers: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
        piece = opened.pieces[gap.place]
        old = piece.text[gap.start : gap.end]
        fitting = []
        for word, probability in answers:
            new = Piece(word)
            is_kind = new.is_word and new.is_chinese == piece.is_chinese and (len(word) == 1 or not new.is_chinese)
            whole = piece.text[: gap.start] + word + piece.text[gap.end :]
            if is_kind and probability >= self._least and word.lower() != old.lower() and whole not in NEGATIONS:
                fitting.append((word, probability))
        return fitting


def _sides(opened: Open, gap: Gap) -> tuple[str, str]:
    """Return the text before a gap and behind it."""
    text = opened.pieces[gap.place].text
    before, after = opened.pieces[: gap.place], opened.pieces[gap.place + 1 :]
    return _text(before) + text[: gap.start], text[gap.end :] + _text(after)


def _text(pieces: Sequence[Piece]) -> str:
    """Return pieces as text; English words of a list have spaces around them."""
    return "".join(
        piece.text if piece.words is None or piece.is_chinese else f" {' '.join(piece.words)} " for piece in pieces
    )
