"""Rank correlation.

Shape suffixes: N rows, R resamples, G groups of rows with equal values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, group_sums, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """Spearman's correlation of true and predicted numbers, from -1 to 1: whether they stand in the same order.

    Pearson's correlation of the ranks, where rows with equal values share the mean of their ranks. A row of weight w
    stands there w times, so the ranks are other ones in each resample. NaN where all targets or all predictions are
    equal.

    Source: Spearman, The Proof and Measurement of Association between Two Things, American Journal of Psychology 15,
    1904.
    """

    higher_is_better: ClassVar[bool] = True
    view: ClassVar[str] = "numbers"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `spearman`."""
        true_RN, predicted_RN = (centred_ranks(each_N, weights_RN) for each_N in (table.targets, table.predicted))
        joint_R, true_R, predicted_R = (
            np.einsum("rn,rn,rn->r", weights_RN, first_RN, second_RN)
            for first_RN, second_RN in ((true_RN, predicted_RN), (true_RN, true_RN), (predicted_RN, predicted_RN))
        )
        # Rounding must not lead beyond 1.
        return {"spearman": np.clip(ratio(joint_R, np.sqrt(true_R) * np.sqrt(predicted_R)), -1.0, 1.0)}


def centred_ranks(values_N: NDArray[np.float64], weights_RN: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rank of each row in each resample, less the mean rank; equal values share the mean of their ranks.

    >>> centred_ranks(np.array([5.0, 7.0, 7.0]), np.array([[1.0, 1.0, 1.0], [3.0, 0.0, 1.0]])).tolist()
    [[-1.0, 0.5, 0.5], [-0.5, 1.5, 1.5]]
    """
    # Sorted once: a resample changes only how many rows each value has. Those of group g take the ranks that follow the
    # ones below, so their mean rank is below_g + (count_g + 1)/2, and the mean of all is (count + 1)/2. Whole and half
    # numbers: the ranks of equal values are exactly 0.
    distinct_G, groups_N = np.unique(values_N, return_inverse=True)
    counts_RG = group_sums(weights_RN, groups_N.astype(np.int64), len(distinct_G))
    ranks_RG = np.cumsum(counts_RG, axis=1) - counts_RG / 2 - weights_RN.sum(axis=1, keepdims=True) / 2
    return np.asarray(ranks_RG[:, groups_N])
