"""Accuracy.

Shape suffixes: N rows, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """Share of rows whose most probable class is the true one."""

    higher_is_better: ClassVar[bool] = True
    interval: ClassVar[str] = "share"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `accuracy`: sum of the weights of the rows that are right, over the sum of all weights."""
        right_N = (table.targets == table.predicted).astype(np.float64)
        return {"accuracy": ratio(weights_RN @ right_N, weights_RN.sum(axis=1))}
