"""How well the scores rank the labels of a row, whatever the thresholds.

Shape suffixes: N rows, K labels, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """Whether the labels of a row stand above all others when they are sorted by score, as the mean over rows.

    With `above(k)` labels of the row that score at least as high as label k, k itself included, and `true_above(k)` of
    them that the row has; k runs over the `t` labels that the row has, of K::

        lrap           = mean_k true_above(k) / above(k)                    (label ranking average precision)
        ranking_loss   = sum_k (above(k) - true_above(k)) / (t (K - t))     (pairs in the wrong order, or equal)
        coverage_error = max_k above(k)                                     (labels to read until all are found)

    Where there is nothing to rank, t = 0 or t = K, the row counts as perfect: lrap 1, ranking_loss 0; coverage_error
    is t. These are scikit-learn's figures, ties included. Higher is better of lrap, the first; lower of the other two.

    Source: Tsoumakas, Katakis, Vlahavas, Mining Multi-label Data, Data Mining and Knowledge Discovery Handbook, 2010.
    """

    higher_is_better: ClassVar[bool] = True
    # Not "share": a coverage error of exactly 1 is a number of labels, and Wilson's interval would take it for a share.
    interval: ClassVar[str] = "percentile"
    view: ClassVar[str] = "labels"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `lrap`, `ranking_loss` and `coverage_error`."""
        figures = by_row(table.targets > 0, table.scores)
        return {name: ratio(weights_RN @ values_N, weights_RN.sum(axis=1)) for name, values_N in figures.items()}


def by_row(true_NK: NDArray[np.bool_], scores_NK: NDArray[np.floating]) -> dict[str, NDArray[np.float64]]:
    """Return the three figures of each row.

    >>> scores_NK = np.array([[0.9, 0.5, 0.5, 0.1]])
    >>> found = by_row(np.array([[True, False, True, False]]), scores_NK)
    >>> {name: round(float(values_N[0]), 3) for name, values_N in found.items()}
    {'lrap': 0.833, 'ranking_loss': 0.25, 'coverage_error': 3.0}
    """
    num_labels = true_NK.shape[1]
    order_NK = np.argsort(-scores_NK, axis=1, kind="stable")
    sorted_NK = np.take_along_axis(scores_NK.astype(np.float64), order_NK, axis=1)
    true_NK = np.take_along_axis(true_NK, order_NK, axis=1)
    # The place where a run of equal scores ends is the place of all of them: found by walking from the right.
    is_last_NK = np.ones(true_NK.shape, dtype=bool)
    is_last_NK[:, :-1] = sorted_NK[:, :-1] > sorted_NK[:, 1:]
    last_NK = np.where(is_last_NK, np.arange(num_labels), num_labels - 1)
    last_NK = np.minimum.accumulate(last_NK[:, ::-1], axis=1)[:, ::-1]
    above_NK = last_NK + 1.0
    true_above_NK = np.take_along_axis(np.cumsum(true_NK, axis=1), last_NK, axis=1)
    num_true_N = true_NK.sum(axis=1).astype(np.float64)
    precision_N = ratio((true_NK * true_above_NK / above_NK).sum(axis=1), num_true_N)
    loss_N = ratio((true_NK * (above_NK - true_above_NK)).sum(axis=1), num_true_N * (num_labels - num_true_N))
    return {
        "lrap": np.nan_to_num(precision_N, nan=1.0),
        "ranking_loss": np.nan_to_num(loss_N, nan=0.0),
        "coverage_error": (true_NK * above_NK).max(axis=1),
    }
