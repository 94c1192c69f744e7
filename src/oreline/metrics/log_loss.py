"""Log loss.

Shape suffixes: N rows, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLIP = float(np.finfo(np.float32).eps)
"""Probabilities are clipped to [1.2e-7, 1 - 1.2e-7], so that one row costs at most 15.9 nats."""


class Metric:
    """Mean negative log probability of the true class, in nats.

    `-1/N sum_n log clip(p_n, eps, 1 - eps)`, where `p_n` is the probability of the true class of row n and `eps` is the
    smallest step of a float32 at 1 (1.2e-7), as scikit-learn clips float32 probabilities.
    """

    higher_is_better: ClassVar[bool] = False

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `log_loss`."""
        true_N = table.scores[np.arange(len(table.targets)), table.targets].astype(np.float64)
        nats_N = -np.log(np.clip(true_N, CLIP, 1 - CLIP))
        return {"log_loss": ratio(weights_RN @ nats_N, weights_RN.sum(axis=1))}
