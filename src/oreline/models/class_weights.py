"""What each class counts in a loss, so that rare ones are not drowned.

Shape suffixes: N rows, K classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def balanced_weights(targets_N: NDArray[np.int64], num_labels: int) -> list[float]:
    """Return K factors inverse to the classes' frequency, with mean 1 over the rows.

    w_k = N / (K · n_k), as scikit-learn's `class_weight="balanced"`.

    >>> balanced_weights(np.array([0, 0, 0, 1]), 2)
    [0.6666666666666666, 2.0]
    """
    counts_K = np.maximum(np.bincount(targets_N, minlength=num_labels), 1)
    return [float(weight) for weight in len(targets_N) / (num_labels * counts_K)]


def effective_weights(targets_N: NDArray[np.int64], num_labels: int, *, beta: float = 0.999) -> list[float]:
    """Return K factors inverse to the classes' effective numbers of rows, with mean 1 over the rows.

    w_k ∝ (1 − β) / (1 − β^n_k): the more rows a class has, the less each new one adds to it, so that classes of far
    more than 1 / (1 − β) = 1,000 rows count the same (Cui et al., https://arxiv.org/abs/1901.05555).

    >>> [round(weight, 4) for weight in effective_weights(np.array([0, 0, 0, 1]), 2)]
    [0.667, 1.999]
    """
    counts_K = np.bincount(targets_N, minlength=num_labels)
    factors_K = (1 - beta) / (1 - beta ** np.maximum(counts_K, 1))
    return [float(factor) for factor in factors_K * len(targets_N) / (factors_K * counts_K).sum()]
