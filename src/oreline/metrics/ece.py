"""Expected calibration error.

Shape suffixes: N rows, R resamples, G bins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from oreline.metrics.counts import ScoredRows, group_sums, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUM_BINS = 15


class Metric:
    """Expected calibration error: how far stated confidence is from the share of answers that are right.

    Rows are put into 15 bins of equal width by the probability of the predicted class, bin g holding those in
    (g/15, (g+1)/15]; then `ECE = sum_g n_g/N |accuracy_g - confidence_g|`, with the mean confidence of the bin.

    It is never negative, and so too large on few rows: a perfectly calibrated model has an ECE of about
    `sqrt(2 / (pi N))` times the sum of its bins' deviations. Compare models on the same rows.

    Source: Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks, ICML 2017, equation 5.
    """

    higher_is_better: ClassVar[bool] = False

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `ece`."""
        # n_g |accuracy_g - confidence_g| is the absolute sum of (right - confidence) over the rows of the bin.
        gaps_RN = weights_RN * (_right(table) - _confidence(table))
        gaps_RG = group_sums(gaps_RN, bins(_confidence(table)), NUM_BINS)
        return {"ece": ratio(np.abs(gaps_RG).sum(axis=1), weights_RN.sum(axis=1))}


class Reliability(NamedTuple):
    """The bins behind the ECE that hold at least one row."""

    confidence: list[float]
    accuracy: list[float]
    count: list[int]


def reliability(table: ScoredRows) -> Reliability:
    """Return mean confidence, accuracy and rows of each bin that is not empty: the reliability diagram."""
    confidence_N, bins_N = _confidence(table), bins(_confidence(table))
    count_G = np.bincount(bins_N, minlength=NUM_BINS)
    filled = np.flatnonzero(count_G)
    mean_G, accuracy_G = (
        ratio(np.bincount(bins_N, weights=values_N, minlength=NUM_BINS), count_G.astype(np.float64))
        for values_N in (confidence_N, _right(table))
    )
    return Reliability(mean_G[filled].tolist(), accuracy_G[filled].tolist(), count_G[filled].tolist())


def bins(confidence_N: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bin of each confidence.

    >>> bins(np.array([0.0, 0.5, 1 / 15, 1.0])).tolist()
    [0, 7, 0, 14]
    """
    edges = np.linspace(0, 1, NUM_BINS + 1)[1:-1]
    return np.searchsorted(edges, confidence_N, side="left").astype(np.int64)


def _confidence(table: ScoredRows) -> NDArray[np.float64]:
    return table.scores_NK[np.arange(len(table.targets_N)), table.predicted_N].astype(np.float64)


def _right(table: ScoredRows) -> NDArray[np.float64]:
    return (table.targets_N == table.predicted_N).astype(np.float64)
