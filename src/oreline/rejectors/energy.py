"""Reject what has little energy in all classes together.

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
    """The free energy of the logits, `-log Σ_k exp(z_k)`: how little is said for any class, not only for the best.

    Source: Liu, Wang, Owens and Li, Energy-based Out-of-distribution Detection, NeurIPS 2020.

    Args:
        label: of the rows that belong to no class; `oos` when not set.
        keep: share of dev's in-scope rows that are kept, where dev has fewer than ten out-of-scope rows.
        max_loss: in-scope accuracy that may be lost on dev; when not set, the mean of in-scope accuracy and
            out-of-scope recall is made as high as it gets.
    """

    def far(self, signals: Signals, memory: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float64]:
        """Return how far outside each row lies, (N,)."""
        return -log_sum_exp(signals.inside_NK)
