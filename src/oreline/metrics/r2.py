"""Share of the variance that is explained.

Shape suffixes: N rows, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, deviations, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """Coefficient of determination: 1 for exact predictions, 0 for always saying the mean, below 0 for worse than that.

    `R2 = 1 - sum_n (y_n - f_n)^2 / sum_n (y_n - mean y)^2` for targets y and predictions f. NaN where all targets are
    equal: there is no variance to explain. The mean is that of the measured rows, not of the training rows.
    """

    higher_is_better: ClassVar[bool] = True
    view: ClassVar[str] = "numbers"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `r2`."""
        # Its units cancel, so it is computed in those of the spread.
        residual_R = weights_RN @ (table.targets - table.predicted) ** 2
        offsets_RN = deviations(table.targets, weights_RN)
        total_R = np.einsum("rn,rn,rn->r", weights_RN, offsets_RN, offsets_RN)
        return {"r2": 1.0 - ratio(residual_R, total_R)}
