"""Expected calibration error.

Shape suffixes: N rows, R resamples, G bins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, group_sums, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUM_BINS = 15


class Metric:
    """Expected calibration error: how far stated confidence is from the share of answers that are right.

    Rows are put into 15 bins of equal width by the probability of the predicted class, bin g holding those in
    (g/15, (g+1)/15]; then `ECE = sum_g n_g/N |accuracy_g - confidence_g|`, with the mean confidence of the bin.

    It cannot be negative, so chance alone makes it too large on few rows (about 0.05 on 200 rows of a perfectly
    calibrated model, 0.01 on 4,000), and resampling makes it larger still. Its interval is therefore the basic one,
    mirrored at the figure, which takes that bias out.

    Source: Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks, ICML 2017, equation 5.
    """

    higher_is_better: ClassVar[bool] = False
    interval: ClassVar[str] = "basic"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `ece`."""
        # n_g |accuracy_g - confidence_g| is the absolute sum of (right - confidence) over the rows of the bin.
        gaps_RN = weights_RN * (_right(table) - _confidence(table))
        gaps_RG = group_sums(gaps_RN, bins(_confidence(table)), NUM_BINS)
        return {"ece": ratio(np.abs(gaps_RG).sum(axis=1), weights_RN.sum(axis=1))}


def reliability(table: ScoredRows) -> dict[str, list[float]]:
    """Return the reliability diagram: mean `confidence`, `accuracy` and `count` of each bin that holds a row."""
    values_3N = np.stack([_confidence(table), _right(table), np.ones(len(table.targets))])
    confidence_G, right_G, count_G = group_sums(values_3N, bins(values_3N[0]), NUM_BINS)
    filled = count_G > 0
    return {
        "confidence": (confidence_G[filled] / count_G[filled]).tolist(),
        "accuracy": (right_G[filled] / count_G[filled]).tolist(),
        "count": count_G[filled].astype(int).tolist(),
    }


def bins(confidence_N: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bin of each confidence.

    >>> bins(np.array([0.0, 0.5, 1 / 15, 1.0])).tolist()
    [0, 7, 0, 14]
    """
    edges = np.linspace(0, 1, NUM_BINS + 1)[1:-1]
    return np.searchsorted(edges, confidence_N, side="left").astype(np.int64)


def _confidence(table: ScoredRows) -> NDArray[np.float64]:
    return np.asarray(table.scores[np.arange(len(table.targets)), table.predicted], dtype=np.float64)


def _right(table: ScoredRows) -> NDArray[np.float64]:
    return np.asarray(table.targets == table.predicted, dtype=np.float64)
