"""Linear correlation.

Shape suffixes: N rows, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, deviations, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """Pearson's correlation of true and predicted numbers, from -1 to 1: how near they lie to any rising line.

    `r = sum_n (y_n - mean y)(f_n - mean f) / sqrt(sum_n (y_n - mean y)^2 sum_n (f_n - mean f)^2)` for targets y and
    predictions f. NaN where all targets or all predictions are equal.

    Source: Pearson, Notes on Regression and Inheritance in the Case of Two Parents, Proceedings of the Royal Society of
    London 58, 1895.
    """

    higher_is_better: ClassVar[bool] = True
    view: ClassVar[str] = "numbers"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `pearson`."""
        true_RN, predicted_RN = (deviations(each_N, weights_RN) for each_N in (table.targets, table.predicted))
        joint_R, true_R, predicted_R = (
            np.einsum("rn,rn,rn->r", weights_RN, first_RN, second_RN)
            for first_RN, second_RN in ((true_RN, predicted_RN), (true_RN, true_RN), (predicted_RN, predicted_RN))
        )
        # Roots first: the product of two small variances would vanish. Rounding must not lead beyond 1.
        return {"pearson": np.clip(ratio(joint_R, np.sqrt(true_R) * np.sqrt(predicted_R)), -1.0, 1.0)}
