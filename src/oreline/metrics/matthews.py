"""Correlation of true and predicted classes.

Shape suffixes: N rows, K classes, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, class_counts, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """Matthews' correlation coefficient of true and predicted classes, up to 1; 0 is what chance reaches.

    With `s` rows, `c` of them right, `t_k` that have the class k and `p_k` that were given it::

        (c s - sum_k p_k t_k) / sqrt((s² - sum_k p_k²) (s² - sum_k t_k²))

    0 where all rows have, or are given, one class: scikit-learn's `matthews_corrcoef`. GLUE judges CoLA by it.

    Source: Matthews, Comparison of the Predicted and Observed Secondary Structure of T4 Phage Lysozyme, Biochimica et
    Biophysica Acta 405, 1975; for K classes: Gorodkin, Computational Biology and Chemistry 28, 2004.
    """

    higher_is_better: ClassVar[bool] = True

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `matthews`."""
        counts = class_counts(table, weights_RN)
        rows_R, right_R = counts.true_RK.sum(axis=1), counts.correct_RK.sum(axis=1)
        joint_R = right_R * rows_R - (counts.predicted_RK * counts.true_RK).sum(axis=1)
        # Roots first: the product of two counts to the fourth power would lose digits.
        spread_R = [
            np.sqrt(np.maximum(rows_R**2 - (each_RK**2).sum(axis=1), 0.0))
            for each_RK in (counts.predicted_RK, counts.true_RK)
        ]
        return {"matthews": np.nan_to_num(ratio(joint_R, spread_R[0] * spread_R[1]), nan=0.0)}
