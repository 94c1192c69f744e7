"""Share of rows whose labels are all right.

Shape suffixes: N rows, K labels, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """Share of rows that were given all the labels they have and no other: the strictest figure of several labels."""

    higher_is_better: ClassVar[bool] = True
    interval: ClassVar[str] = "share"
    view: ClassVar[str] = "labels"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `subset_accuracy`: sum of the weights of the rows that are altogether right, over that of all."""
        right_N = (table.targets == table.predicted).all(axis=1).astype(np.float64)
        return {"subset_accuracy": ratio(weights_RN @ right_N, weights_RN.sum(axis=1))}
