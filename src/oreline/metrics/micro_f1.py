"""Precision, recall and F1 over all labels of rows that have any number of them.

Shape suffixes: N rows, K labels, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ClassCounts, ScoredRows, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """Precision, recall and F1 of all labels taken together (micro), and the mean F1 of the labels (macro).

    For label k with `correct_k` rows that have it and were given it, `true_k` that have it and `predicted_k` that were
    given it::

        micro_precision = sum_k correct_k / sum_k predicted_k
        micro_recall    = sum_k correct_k / sum_k true_k
        micro_f1        = 2 sum_k correct_k / sum_k (true_k + predicted_k)
        macro_f1        = mean_k 2 correct_k / (true_k + predicted_k)

    A label that no row has and no row was given is left out of the macro mean; a micro figure that is 0 / 0 is NaN,
    which estimates leave out. Otherwise scikit-learn's `precision_recall_fscore_support(average="micro")`.
    """

    higher_is_better: ClassVar[bool] = True
    interval: ClassVar[str] = "share"
    view: ClassVar[str] = "labels"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `micro_f1`, `micro_precision`, `micro_recall` and `macro_f1`."""
        true_NK, predicted_NK = table.targets.astype(np.float64), table.predicted.astype(np.float64)
        counts = ClassCounts(weights_RN @ true_NK, weights_RN @ predicted_NK, weights_RN @ (true_NK * predicted_NK))
        true_R, predicted_R, correct_R = (counts_RK.sum(axis=1) for counts_RK in counts)
        either_RK = counts.true_RK + counts.predicted_RK
        f1_RK = np.nan_to_num(ratio(2 * counts.correct_RK, either_RK), nan=0.0)
        return {
            "micro_f1": ratio(2 * correct_R, true_R + predicted_R),
            "micro_precision": ratio(correct_R, predicted_R),
            "micro_recall": ratio(correct_R, true_R),
            "macro_f1": ratio(f1_RK.sum(axis=1), (either_RK > 0).sum(axis=1).astype(np.float64)),
        }

    def num_rows(self, table: ScoredRows) -> dict[str, int]:
        """Return the rows behind each figure: given any label, having any, and either of them."""
        has_N, given_N = table.targets.any(axis=1), table.predicted.any(axis=1)
        either = int((has_N | given_N).sum())
        return {
            "micro_f1": either,
            "micro_precision": int(given_N.sum()),
            "micro_recall": int(has_N.sum()),
            "macro_f1": either,
        }
