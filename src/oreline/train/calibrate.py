"""How sure is sure enough: a temperature and thresholds from rows whose class is known.

Shape suffixes: N rows, K classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from oreline.tasks.calibration import best_temperature

if TYPE_CHECKING:
    from numpy.typing import NDArray


def temperature(scores_NK: NDArray[np.floating], targets_N: NDArray[np.int64]) -> float:
    """Return the T that lowers the log loss of `softmax(log p / T)` most: `best_temperature` of the log probabilities.

    >>> scores = np.array([[0.99, 0.01], [0.99, 0.01], [0.01, 0.99], [0.99, 0.01]])
    >>> 2 < temperature(scores, np.array([0, 0, 1, 1])) < 5  # too sure: one of four is wrong
    True
    """
    return best_temperature(np.log(np.clip(np.asarray(scores_NK, np.float64), 1e-12, None)), targets_N)


def cooled(scores_NK: NDArray[np.floating], degree: float) -> NDArray[np.float64]:
    """Return `softmax(log p / T)`, (N, K)."""
    logits_NK = np.log(np.clip(np.asarray(scores_NK, np.float64), 1e-12, None)) / degree
    powers_NK = np.exp(logits_NK - logits_NK.max(axis=1, keepdims=True))
    found: NDArray[np.float64] = powers_NK / powers_NK.sum(axis=1, keepdims=True)
    return found


def thresholds(
    scores_NK: NDArray[np.floating], targets_N: NDArray[np.int64], *, precision: float, fewest: int
) -> NDArray[np.float64]:
    """Return the lowest score of each answer at and above which the share of right ones is at least `precision`, (K,).

    Infinite for a class for which no threshold with `fewest` rows behind it reaches that.

    >>> scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]])
    >>> thresholds(scores, np.array([0, 0, 1, 1]), precision=0.9, fewest=2).tolist()
    [0.8, inf]
    """
    answers_N = scores_NK.argmax(axis=1)
    found_K = np.full(scores_NK.shape[1], np.inf)
    for label in range(scores_NK.shape[1]):
        rows_N = np.flatnonzero(answers_N == label)
        ordered_N = rows_N[np.argsort(-scores_NK[rows_N, label], kind="stable")]
        values_N = scores_NK[ordered_N, label]
        counts_N = np.arange(1, len(ordered_N) + 1)
        share_N = np.cumsum(targets_N[ordered_N] == label) / counts_N
        # Rows of equal score stand and fall together: a threshold takes all of them.
        is_last_N = np.append(values_N[1:] < values_N[:-1], True)[: len(values_N)]
        fits_N = np.flatnonzero((share_N >= precision) & (counts_N >= fewest) & is_last_N)
        if len(fits_N):
            found_K[label] = values_N[fits_N[-1]]
    return found_K
