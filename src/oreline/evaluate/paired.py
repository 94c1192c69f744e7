"""Paired proportions: two models on the same rows, each row right or wrong under each.

Of n rows, `gains` are right only under the second model and `losses` only under the first; the accuracy of the second
minus that of the first is `(gains - losses) / n`. The other rows say nothing about the sign of the difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NORMAL = NormalDist()


def score_interval(gains: int, losses: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Tango's score interval of the difference of two paired proportions.

    It holds every difference that the score test does not reject, so it agrees with McNemar's test at 0, and it keeps
    its width where few rows or none are discordant: there the bootstrap and the Wald interval shrink to a point and
    claim certainty. With no discordant row among n it is `± z² / (n + z²)`.

    Args:
        gains: rows that only the second model has right.
        losses: rows that only the first model has right.
        n: all rows.
        confidence: coverage.

    Source: Tango, Equivalence test and confidence interval for the difference in proportions for the paired-sample
    design, Statistics in Medicine 17, 1998, 891-908. The first example is the airway table of Fagerland, Lydersen &
    Laake, Recommended tests and confidence intervals for paired binomial proportions, ibid. 33, 2014.

    >>> [round(bound, 3) for bound in score_interval(1, 7, 21)]
    [-0.517, -0.026]
    >>> [round(bound, 4) for bound in score_interval(0, 0, 1000)]
    [-0.0038, 0.0038]
    """
    z = _NORMAL.inv_cdf((1 + confidence) / 2)
    difference = (gains - losses) / n
    low = _root(lambda delta: score_z(gains, losses, n, delta) - z, -1.0, difference)
    high = _root(lambda delta: score_z(gains, losses, n, delta) + z, difference, 1.0)
    return low, high


def score_z(gains: int, losses: int, n: int, delta: float) -> float:
    """Return the score statistic of the hypothesis that the difference is `delta`; it falls as `delta` rises.

    `z = (gains - losses - n delta) / sqrt(n (2 q + delta (1 - delta)))`, where q is the most likely share of losses
    under the hypothesis, the larger root of `2n q² + (delta (2n - gains + losses) - gains - losses) q -
    losses delta (1 - delta) = 0` (Tango 1998, equation 8). At delta = 0 its square is McNemar's statistic.

    >>> round(score_z(40, 20, 160, 0.0) ** 2, 4)  # (40 - 20)² / (40 + 20)
    6.6667
    """
    numerator, variance = _score(gains, losses, n, delta)
    if numerator == 0:
        return 0.0
    return math.copysign(math.inf, numerator) if variance <= 0 else numerator / math.sqrt(variance)


def _score(gains: int, losses: int, n: int, delta: float) -> tuple[float, float]:
    b = delta * (2 * n - gains + losses) - gains - losses
    c = -losses * delta * (1 - delta)
    q = (math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
    return gains - losses - n * delta, n * (2 * q + delta * (1 - delta))


def p_worse_than(gains: int, losses: int, n: int, delta: float) -> float:
    """Return the one-sided p-value for a difference below `delta`, by the score test with continuity correction.

    The correction counts one row more for the new model. Without it the test rejects up to three times too often in the
    far tail, which is where a correction for many classes looks, when few rows are discordant.

    >>> round(p_worse_than(2, 12, 100, -0.02), 4)
    0.0256
    """
    numerator, variance = _score(gains, losses, n, delta)
    if variance <= 0:
        return 1.0 if numerator >= 0 else 0.0
    return _NORMAL.cdf((numerator + 1) / math.sqrt(variance))


def exact_mcnemar(gains: int, losses: int) -> float:
    """Return the two-sided p-value of the exact McNemar test.

    If the models are equally accurate, each discordant row is a fair coin: `min(1, 2 P(Binomial(gains + losses, 1/2) <=
    min(gains, losses)))`.

    Source: McNemar, Psychometrika 12, 1947; the exact form is the sign test.

    >>> round(exact_mcnemar(1, 6), 6)
    0.125
    """
    discordant = gains + losses
    if not discordant:
        return 1.0
    steps = np.arange(1, min(gains, losses) + 1)
    log_choose = np.concatenate([[0.0], np.cumsum(np.log((discordant - steps + 1) / steps))])
    return min(1.0, float(2 * np.exp(log_choose - discordant * math.log(2)).sum()))


def mean_interval(changes_N: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Return the interval of a mean of paired changes: mean ± z s / √N, s the sample's standard deviation.

    >>> low, high = mean_interval(np.array([0.0, 0.5, 1.0, 0.5]), 0.95)
    >>> round(low, 3), round(high, 3)
    (0.1, 0.9)
    """
    half = _NORMAL.inv_cdf((1 + confidence) / 2) * _standard_error(changes_N)
    return float(changes_N.mean()) - half, float(changes_N.mean()) + half


def p_mean_worse_than(changes_N: NDArray[np.float64], delta: float) -> float:
    """Return the one-sided p-value for a mean change below `delta`: Φ((mean - delta) / standard error).

    >>> round(p_mean_worse_than(np.array([0.0, 0.5, 1.0, 0.5]), 0.9), 3)
    0.025
    """
    gap, error = float(changes_N.mean()) - delta, _standard_error(changes_N)
    if error == 0.0:
        return 1.0 if gap >= 0 else 0.0
    return _NORMAL.cdf(gap / error)


def _standard_error(changes_N: NDArray[np.float64]) -> float:
    n = len(changes_N)
    return float(changes_N.std(ddof=1)) / math.sqrt(n) if n > 1 else 0.0


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2
