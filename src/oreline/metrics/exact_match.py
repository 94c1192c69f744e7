"""Share of questions that are answered as one of the true answers.

Shape suffixes: N rows, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.answers import row_scores
from oreline.metrics.counts import ScoredRows, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """Exact match: the share of questions whose answer is, folded, one of the true ones; "no answer" is an answer.

    SQuAD 2.0's folding for English (case, punctuation, articles, white space), CMRC 2018's where an answer has a
    Chinese character (case, punctuation). `exact_match_answerable` is that of the questions that have an answer.
    """

    higher_is_better: ClassVar[bool] = True
    interval: ClassVar[str] = "share"
    view: ClassVar[str] = "answers"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `exact_match` and `exact_match_answerable`."""
        exact_N = np.asarray([exact for exact, _ in row_scores(table.targets, table.predicted)], np.float64)
        has_N = np.asarray([bool(truths) for truths in table.targets], np.float64)
        return {
            "exact_match": ratio(weights_RN @ exact_N, weights_RN.sum(axis=1)),
            "exact_match_answerable": ratio(weights_RN @ (exact_N * has_N), weights_RN @ has_N),
        }

    def num_rows(self, table: ScoredRows) -> dict[str, int]:
        """Return the questions behind each figure."""
        return {"exact_match_answerable": sum(bool(truths) for truths in table.targets)}
