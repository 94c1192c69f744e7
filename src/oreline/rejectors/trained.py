"""Reject what a class of its own, learnt from out-of-scope rows, is more probable for.

Shape suffixes: N rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.rejectors.rejecting import Rejecting, log_sum_exp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.types import Signals


class Rejector(Rejecting):
    """The log odds of an out-of-scope class, learnt from training rows that have its label: `z_out - log Σ_k exp(z_k)`.

    Source: Larson et al., An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction, EMNLP 2019
    (oos-train); the threshold takes the place of the highest score, which few rows of one class hardly reach.

    Args:
        label: of the rows that belong to no class; `oos` when not set.
        keep: share of dev's in-scope rows that are kept, where dev has fewer than ten out-of-scope rows.
        max_loss: in-scope accuracy that may be lost on dev; when not set, the mean of in-scope accuracy and
            out-of-scope recall is made as high as it gets.
    """

    needs_rows: ClassVar[bool] = True

    def far(self, signals: Signals, memory: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float64]:
        """Return how far outside each row lies, (N,)."""
        return np.asarray(signals.outside_N - log_sum_exp(signals.inside_NK))
