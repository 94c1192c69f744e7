"""Precision, recall and F1 of each class.

Shape suffixes: N rows, K classes, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, class_counts, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """Precision, recall and F1 of each class: the formulas of the metric `f1`.

    A figure that is 0 / 0 is NaN, which estimates leave out: precision of a class that was never predicted, recall of a
    class that no row has.
    """

    higher_is_better: ClassVar[bool] = True
    interval: ClassVar[str] = "share"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `precision_<label>`, `recall_<label>` and `f1_<label>` for each label."""
        counts = class_counts(table, weights_RN)
        by_class = {
            "precision": ratio(counts.correct_RK, counts.predicted_RK),
            "recall": ratio(counts.correct_RK, counts.true_RK),
            "f1": ratio(2 * counts.correct_RK, counts.true_RK + counts.predicted_RK),
        }
        return {
            f"{name}_{label}": values_RK[:, index]
            for index, label in enumerate(table.labels)
            for name, values_RK in by_class.items()
        }

    def num_rows(self, table: ScoredRows) -> dict[str, int]:
        """Return the rows behind each figure: predicted as the class, having the class, and either of them."""
        true_K, predicted_K, correct_K = (
            counts_RK[0].astype(int) for counts_RK in class_counts(table, np.ones((1, len(table.targets))))
        )
        rows = {}
        for index, label in enumerate(table.labels):
            rows[f"precision_{label}"] = int(predicted_K[index])
            rows[f"recall_{label}"] = int(true_K[index])
            rows[f"f1_{label}"] = int(true_K[index] + predicted_K[index] - correct_K[index])
        return rows
