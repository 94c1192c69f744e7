"""Reject what no class is probable for.

Shape suffixes: N rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from oreline.rejectors.rejecting import Rejecting, log_sum_exp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.types import Signals


class Rejector(Rejecting):
    """The most probable class's probability, after temperature scaling: `-log max_k p_k`.

    Source: Hendrycks and Gimpel, A Baseline for Detecting Misclassified and Out-of-Distribution Examples, ICLR 2017.

    Args:
        label: of the rows that belong to no class; `oos` when not set.
        keep: share of dev's in-scope rows that are kept, where dev has fewer than ten out-of-scope rows.
        max_loss: in-scope accuracy that may be lost on dev; when not set, the mean of in-scope accuracy and
            out-of-scope recall is made as high as it gets.
    """

    def far(self, signals: Signals, memory: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float64]:
        """Return how far outside each row lies, (N,)."""
        return np.asarray(log_sum_exp(signals.inside_NK) - signals.inside_NK.max(axis=1))
