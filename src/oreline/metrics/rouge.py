"""Words, pairs of words and the longest common subsequence that written answers share with the truth.

Shape suffixes: N rows, R resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, ratio
from oreline.metrics.texts import ngrams, shared, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIGURES = ("rouge_l", "rouge_1", "rouge_2")


class Metric:
    """ROUGE-L, ROUGE-1 and ROUGE-2 as F1, from 0 to 100, averaged over rows.

    Words are letters and digits in lower case, without stemming; Chinese is counted by character. Of ASCII text the
    figures are those of the package rouge-score, which gives 0 to everything Chinese.

    * `rouge_1`, `rouge_2`: shared words, and shared pairs of neighbouring words.
    * `rouge_l`: the longest common subsequence of words; line breaks do not matter.

    Source: Lin, ROUGE: A Package for Automatic Evaluation of Summaries, 2004.
    """

    higher_is_better: ClassVar[bool] = True
    view: ClassVar[str] = "texts"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `rouge_l`, `rouge_1` and `rouge_2`."""
        scores_N3 = np.zeros((len(table.targets), 3))
        for row, (true, given) in enumerate(zip(table.targets, table.predicted)):
            scores_N3[row] = row_scores(words(true), words(given))
        total_R = weights_RN.sum(axis=1)
        return {name: 100 * ratio(weights_RN @ scores_N3[:, place], total_R) for place, name in enumerate(FIGURES)}


def row_scores(true: Sequence[str], given: Sequence[str]) -> tuple[float, float, float]:
    """Return ROUGE-L, ROUGE-1 and ROUGE-2 of one row, from 0 to 1.

    >>> [round(score, 4) for score in row_scores("the cat sat".split(), "the cat ran off".split())]
    [0.5714, 0.5714, 0.4]
    """
    found = [_f1(longest_common(true, given), len(given), len(true))]
    for length in (1, 2):
        ours, theirs = ngrams(true, length), ngrams(given, length)
        found.append(_f1(shared(theirs, ours), theirs.total(), ours.total()))
    return found[0], found[1], found[2]


def longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the length of the longest common subsequence.

    One integer holds a row of the table, a bit for each word of `first`: an addition carries through a whole row.

    Source: Crochemore et al., A fast and practical bit-vector algorithm for the longest common subsequence problem,
    Information Processing Letters 80, 2001.

    >>> longest_common("the cat sat on it".split(), "on the mat it sat".split())
    2
    """
    places: dict[str, int] = {}
    for place, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << place
    full = (1 << len(first)) - 1
    row = full
    for word in second:
        matched = row & places.get(word, 0)
        row = (row + matched | row - matched) & full
    return len(first) - row.bit_count()


def _f1(both: int, num_given: int, num_true: int) -> float:
    return 2 * both / (num_given + num_true) if both else 0.0
