"""How much of the true answers is given, and nothing else.

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
    """Mean F1 of answers, each with the true answer that it is nearest to; "no answer" is right or wrong.

    `2 both / (given + true)` with the words that both have, as SQuAD 2.0 counts them; where an answer has a Chinese
    character, with the longest run of characters that both have, as CMRC 2018 does. `qa_f1_answerable` is that of the
    questions that have an answer, `no_answer_accuracy` the share of the others that were given none.
    """

    higher_is_better: ClassVar[bool] = True
    interval: ClassVar[str] = "share"
    view: ClassVar[str] = "answers"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `qa_f1`, `qa_f1_answerable` and `no_answer_accuracy`."""
        f1_N = np.asarray([f1 for _, f1 in row_scores(table.targets, table.predicted)], np.float64)
        has_N = np.asarray([bool(truths) for truths in table.targets], np.float64)
        has_none_N = 1 - has_N
        return {
            "qa_f1": ratio(weights_RN @ f1_N, weights_RN.sum(axis=1)),
            "qa_f1_answerable": ratio(weights_RN @ (f1_N * has_N), weights_RN @ has_N),
            "no_answer_accuracy": ratio(weights_RN @ (f1_N * has_none_N), weights_RN @ has_none_N),
        }

    def num_rows(self, table: ScoredRows) -> dict[str, int]:
        """Return the questions behind each figure."""
        num_answerable = sum(bool(truths) for truths in table.targets)
        return {"qa_f1_answerable": num_answerable, "no_answer_accuracy": len(table.targets) - num_answerable}
