"""How far labels follow something else: effects with intervals, and how surprising they are.

Legend: R values, C labels, B lengths, M resamples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oreline.types import Estimate

_RESAMPLES = 400
_Z = 1.959963984540054
"""The normal quantile of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Association:
    """An effect, 0 for none, and the probability of one as large where there is none."""

    effect: Estimate
    p: float


def cramers_v(counts_RC: NDArray[np.int64], *, seed: int = 0) -> Association:
    """Return Cramér's V with the correction for chance (Bergsma 2013), 0 to 1, and the p value of the chi-square test.

    Without the correction, many values with few rows each look associated where nothing is. The interval is that of
    the bootstrap over rows, with what resampling adds to the chi-square taken off once more.

    >>> round(cramers_v(np.array([[30, 10], [10, 30]])).effect.value, 4)
    0.4903
    """
    counts_RC = counts_RC[counts_RC.sum(1) > 0][:, counts_RC.sum(0) > 0]
    n = int(counts_RC.sum())
    if min(counts_RC.shape) < 2 or n < 2:
        return Association(Estimate(0.0, 0.0, 0.0, n), 1.0)
    from scipy.special import chdtrc

    free = (counts_RC.shape[0] - 1) * (counts_RC.shape[1] - 1)
    square = float(_chi_squares(counts_RC[None])[0])
    draws_MK = np.random.default_rng(seed).multinomial(n, (counts_RC / n).ravel(), size=_RESAMPLES)
    squares_M = _chi_squares(draws_MK.reshape(-1, *counts_RC.shape)) - n / (n - 1) * free
    low, high = np.quantile([_corrected(float(one), n, counts_RC.shape) for one in squares_M], [0.025, 0.975])
    value = _corrected(square, n, counts_RC.shape)
    estimate = Estimate(value, min(value, float(low)), max(value, float(high)), n)
    return Association(estimate, float(chdtrc(free, square)))


def _chi_squares(counts_MRC: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the chi-square of each of M tables of equally many rows."""
    expected_MRC = counts_MRC.sum(2)[:, :, None] * (counts_MRC.sum(1)[:, None, :] / counts_MRC[0].sum())
    off_MRC = (counts_MRC - expected_MRC) ** 2
    squares_MRC = np.divide(off_MRC, expected_MRC, out=np.zeros_like(expected_MRC), where=expected_MRC > 0)
    return np.asarray(squares_MRC.sum((1, 2)), np.float64)


def _corrected(square: float, n: int, shape: tuple[int, ...]) -> float:
    r, c = (size - (size - 1) ** 2 / (n - 1) for size in shape)
    phi = max(0.0, square / n - (shape[0] - 1) * (shape[1] - 1) / (n - 1))
    return min(1.0, math.sqrt(phi / (min(r, c) - 1))) if min(r, c) > 1 else 0.0


def separation(own_B: NDArray[np.int64], others_B: NDArray[np.int64]) -> Association:
    """Return Cliff's delta of a class's lengths against all other rows': −1 (all shorter) to 1 (all longer).

    It is 2 AUC − 1, ties counted half. The interval is DeLong's (1988), p that of the Mann–Whitney test.

    Args:
        own_B: rows of the class of each length (or bin of lengths).
        others_B: the other rows.

    >>> separation(np.array([0, 0, 5]), np.array([5, 0, 0])).effect.value
    1.0
    """
    num_own, num_others = int(own_B.sum()), int(others_B.sum())
    n = num_own + num_others
    if not num_own or not num_others:
        return Association(Estimate(0.0, 0.0, 0.0, n), 1.0)
    # Of each length, the share of the others that is shorter, ties half.
    above_B = (np.cumsum(others_B) - others_B / 2) / num_others
    below_B = (np.cumsum(own_B) - own_B / 2) / num_own
    auc = float((own_B * above_B).sum() / num_own)
    spread = _variance(above_B, own_B) / num_own + _variance(below_B, others_B) / num_others
    half = 2 * _Z * math.sqrt(spread)
    delta = 2 * auc - 1
    ties_B = (own_B + others_B).astype(np.float64)
    tied = float((ties_B**3 - ties_B).sum()) / (n * max(n - 1, 1))
    null = num_own * num_others / 12 * ((n + 1) - tied)
    z = (auc - 0.5) * num_own * num_others / math.sqrt(null) if null > 0 else 0.0
    effect = Estimate(delta, max(-1.0, delta - half), min(1.0, delta + half), n)
    return Association(effect, math.erfc(abs(z) / math.sqrt(2)))


def _variance(values_B: NDArray[np.float64], weights_B: NDArray[np.int64]) -> float:
    total = int(weights_B.sum())
    if total < 2:
        return 0.25
    mean = float((values_B * weights_B).sum()) / total
    return float((weights_B * (values_B - mean) ** 2).sum()) / (total - 1)


def correlation(phi: float, n: int) -> Estimate:
    """Return the correlation of two things that are there or not, with Fisher's interval.

    >>> str(correlation(0.5, 103))
    '0.5000 [0.3393, 0.6323] n=103'
    """
    if n < 4 or abs(phi) >= 1:
        return Estimate(phi, phi, phi, n)
    middle, half = math.atanh(phi), _Z / math.sqrt(n - 3)
    return Estimate(phi, math.tanh(middle - half), math.tanh(middle + half), n)


def wilson(hits: int, n: int) -> Estimate:
    """Return a share with Wilson's interval.

    >>> str(wilson(9, 10))
    '0.9000 [0.5958, 0.9821] n=10'
    """
    share, square = hits / n, _Z * _Z / n
    middle = (share + square / 2) / (1 + square)
    half = _Z * math.sqrt(share * (1 - share) / n + square / (4 * n)) / (1 + square)
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half), n)
