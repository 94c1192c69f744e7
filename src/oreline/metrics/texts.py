"""What metrics of written answers share: the script of a table's texts, their words, counts of n-grams.

Shape suffixes: N rows, G lengths of n-grams, R resamples.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from oreline.metrics.counts import ratio
from oreline.words import kind_of, units

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHRF_ORDER = 6
CHRF_BETA = 2.0
_MANY = 0.3
"""Share of the letters from which on a script decides."""
_ASCII_WORD = re.compile(r"[a-z0-9]+")


class Counts(NamedTuple):
    """N-grams of each row by their length."""

    given_NG: NDArray[np.float64]
    """Of the answer."""
    true_NG: NDArray[np.float64]
    """Of the true text."""
    both_NG: NDArray[np.float64]
    """In both, each as often as the rarer side has it."""


def script_of(texts: Sequence[str]) -> str:
    """Return how the letters of some texts are written: `zh`, `unspaced` (kana, Thai, …) or `spaced`.

    >>> script_of(["这部电影 ok"]), script_of(["ひらがな と 漢字"]), script_of(["a good film"])
    ('zh', 'unspaced', 'spaced')
    """
    kinds = Counter(kind_of(character) for text in texts for character in text)
    letters = kinds["word"] + kinds["han"] + kinds["unspaced"]
    if kinds["unspaced"] > 0.1 * letters:
        return "unspaced"
    return "zh" if kinds["han"] > _MANY * letters else "spaced"


def words(text: str) -> list[str]:
    """Return the words that ROUGE counts: letters and digits in lower case, Chinese and kana by character.

    Of ASCII text those of the package rouge-score, which drops everything else.

    >>> words("Don't pay $3.50 在北京")
    ['don', 't', 'pay', '3', '50', '在', '北', '京']
    """
    text = text.lower()
    if text.isascii():
        return _ASCII_WORD.findall(text)
    found = (word for word, _, _ in units(text) if kind_of(word[0]) not in ("punctuation", "symbol"))
    # An underscore is punctuation here and there; what a unit holds besides is letters and digits.
    return list(found)


def ngrams(items: Sequence[str] | str, length: int) -> Counter[Sequence[str] | str]:
    """Count the n-grams of words or characters.

    >>> ngrams("abab", 2)["ab"]
    2
    """
    parts = (items[start : start + length] for start in range(len(items) - length + 1))
    return Counter(part if isinstance(part, str) else tuple(part) for part in parts)


def shared(first: Counter[Sequence[str] | str], second: Counter[Sequence[str] | str]) -> int:
    """Return how many n-grams two texts share."""
    return sum(min(count, second[item]) for item, count in first.items() if item in second)


def character_counts(true: Sequence[str], given: Sequence[str]) -> Counts:
    """Count the n-grams of 1 to 6 characters, white space left out."""
    counts_3NG = np.zeros((3, len(true), CHRF_ORDER))
    for row, (reference, answer) in enumerate(zip(true, given, strict=True)):
        sides = ["".join(text.split()) for text in (answer, reference)]
        for place in range(CHRF_ORDER):
            theirs, ours = (ngrams(side, place + 1) for side in sides)
            # Without any n-gram of the truth, those of the answer are not counted, as in sacrebleu.
            counts_3NG[:, row, place] = theirs.total() if ours else 0, ours.total(), shared(theirs, ours)
    return Counts(*counts_3NG)


def chrf(counts: Counts) -> NDArray[np.float64]:
    """Return chrF2 of each row of counts, from 0 to 1: precision and recall averaged over the lengths, then F₂.

    Lengths that either side has no n-gram of are left out.

    Source: Popović, chrF: character n-gram F-score for automatic MT evaluation, WMT 2015.

    >>> round(float(chrf(character_counts(["ab"], ["ac"]))[0]), 4)
    0.25
    """
    has_both = (counts.given_NG > 0) & (counts.true_NG > 0)
    num_lengths = has_both.sum(axis=1)
    precision, recall = (
        np.nan_to_num(
            ratio(np.where(has_both, np.nan_to_num(ratio(counts.both_NG, side)), 0.0).sum(axis=1), num_lengths)
        )
        for side in (counts.given_NG, counts.true_NG)
    )
    factor = CHRF_BETA**2
    return np.nan_to_num(ratio((1 + factor) * precision * recall, factor * precision + recall))
