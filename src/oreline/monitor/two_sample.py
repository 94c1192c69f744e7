"""Statistics of two samples: how well a score tells them apart, and how surprising that is.

Shape suffixes: N rows, P permutations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from oreline.types import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

_Z_95 = 1.959963984540054


def auc_estimate(reference_N: NDArray[np.float64], live_N: NDArray[np.float64]) -> Estimate:
    """Return the area under the ROC curve with its 95 % interval (DeLong, DeLong & Clarke-Pearson 1988).

    The value is P(score of a live row > of a reference row), ties half. The variance is that of each row's own share,
    `var(V_live) / n_live + var(V_reference) / n_reference`, where V is the share of rows on the other side that a row
    stands above (live) or below (reference).

    >>> print(auc_estimate(np.arange(20.0), np.arange(20.0) + 8))
    0.8200 [0.6937, 0.9463] n=20
    """
    shares_live_N = _share_below(live_N, reference_N)
    shares_reference_N = 1 - _share_below(reference_N, live_N)
    value = float(shares_live_N.mean())
    variance = shares_live_N.var(ddof=1) / len(live_N) + shares_reference_N.var(ddof=1) / len(reference_N)
    margin = _Z_95 * float(np.sqrt(variance))
    return Estimate(value, max(0.0, value - margin), min(1.0, value + margin), len(live_N))


def permutation_p_value(observed: float, permuted_P: NDArray[np.float64]) -> float:
    """Return the chance of a statistic at least this large, the observed one counted (Phipson & Smyth 2010).

    >>> permutation_p_value(3.0, np.array([1.0, 2.0, 3.0]))
    0.5
    """
    # Sums taken in another order may differ in the last bits; such a tie still counts as "at least as large".
    at_least = permuted_P >= observed - 1e-12 * max(1.0, abs(observed))
    return float((1 + at_least.sum()) / (1 + len(permuted_P)))


def _share_below(values_N: NDArray[np.float64], others_N: NDArray[np.float64]) -> NDArray[np.float64]:
    ordered = np.sort(others_N)
    below = np.searchsorted(ordered, values_N, side="left")
    up_to = np.searchsorted(ordered, values_N, side="right")
    shares: NDArray[np.float64] = (below + up_to) / (2 * len(others_N))
    return shares
