"""Precision, recall and F1 over all classes.

Shape suffixes: N rows, K classes, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, class_counts, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """Precision, recall and F1, as the mean over classes (macro) and weighted by the rows of each class.

    For class k with `correct_k` rows right, `true_k` rows that have it and `predicted_k` rows that were given it::

        precision_k = correct_k / predicted_k        recall_k = correct_k / true_k
        f1_k        = 2 correct_k / (true_k + predicted_k)

    A class that no row has and no row was given is left out of the mean; a precision or recall that is 0 / 0 counts
    as 0 in it: scikit-learn's `precision_recall_fscore_support(average=..., zero_division=0)`.
    """

    higher_is_better: ClassVar[bool] = True
    interval: ClassVar[str] = "share"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `macro_f1`, `weighted_f1`, and the same of `precision` and `recall`."""
        counts = class_counts(table, weights_RN)
        present_RK = counts.true_RK + counts.predicted_RK > 0
        by_class = {
            "f1": ratio(2 * counts.correct_RK, counts.true_RK + counts.predicted_RK),
            "precision": ratio(counts.correct_RK, counts.predicted_RK),
            "recall": ratio(counts.correct_RK, counts.true_RK),
        }
        num_rows_R, num_present_R = counts.true_RK.sum(axis=1), present_RK.sum(axis=1).astype(np.float64)
        values = {}
        for name, values_RK in by_class.items():
            defined_RK = np.nan_to_num(values_RK, nan=0.0)
            values[f"macro_{name}"] = ratio(defined_RK.sum(axis=1), num_present_R)
            values[f"weighted_{name}"] = ratio((defined_RK * counts.true_RK).sum(axis=1), num_rows_R)
        return values
