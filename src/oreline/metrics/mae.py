"""Size of the errors of predicted numbers.

Shape suffixes: N rows, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """Mean absolute error and root mean squared error, in the target's own unit.

    `mae = 1/N sum_n |y_n - f_n|`, `rmse = sqrt(1/N sum_n (y_n - f_n)^2)` for targets y and predictions f. The second
    is never the smaller one; far above the first, it says that a few errors are large.
    """

    higher_is_better: ClassVar[bool] = False
    view: ClassVar[str] = "numbers"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `mae` and `rmse`."""
        error_N = np.abs(table.task.values(table.targets) - table.task.values(table.predicted))
        num_rows_R = weights_RN.sum(axis=1)
        return {
            "mae": ratio(weights_RN @ error_N, num_rows_R),
            "rmse": np.sqrt(ratio(weights_RN @ error_N**2, num_rows_R)),
        }
