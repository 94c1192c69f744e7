"""Temperature scaling: one number that makes probabilities say how often they are right.

Shape suffixes: N rows, K classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIMITS = (0.05, 20.0)
"""Temperatures that are considered."""
_HALVINGS = 40


def best_temperature(logits_NK: NDArray[np.floating], targets_N: NDArray[np.int64]) -> float:
    """Return the temperature T for which the log loss of softmax(logits / T) is lowest; no answer changes.

    The loss is convex in 1/T; its slope, the mean over rows of `E_p[z] - z_y`, is halved in on. Where every row is
    right, the lowest loss is that of a model that claims certainty: then T is at least 1.

    Source: Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, ICML 2017.

    >>> logits_NK, targets_N = np.array([[8.0, 0.0]] * 4), np.array([0, 0, 0, 1])
    >>> round(8 / best_temperature(logits_NK, targets_N), 3), round(float(np.log(3)), 3)  # three rows in four are right
    (1.099, 1.099)
    """
    logits_NK = logits_NK.astype(np.float64)
    true_N = logits_NK[np.arange(len(targets_N)), targets_N]
    low, high = np.log(1 / LIMITS[1]), np.log(1 / LIMITS[0])
    if (logits_NK.argmax(axis=1) == targets_N).all():
        high = 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        probable_NK = np.exp(np.exp(middle) * (logits_NK - logits_NK.max(axis=1, keepdims=True)))
        probable_NK /= probable_NK.sum(axis=1, keepdims=True)
        slope = float(((probable_NK * logits_NK).sum(axis=1) - true_N).mean())
        low, high = (middle, high) if slope < 0 else (low, middle)
    return round(float(np.exp(-(low + high) / 2)), 6)
