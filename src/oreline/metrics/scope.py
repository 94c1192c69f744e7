"""How well a classifier tells rows that belong to none of its classes, and answers the others.

Shape suffixes: N rows, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """In-scope accuracy, out-of-scope recall, and how well the score ranks the two kinds of rows.

    * `in_scope_accuracy`: share of in-scope rows that are given their class; a rejected one is wrong.
    * `out_of_scope_recall`: share of out-of-scope rows that are rejected.
    * `out_of_scope_auroc`: probability that an out-of-scope row lies further outside than an in-scope row, whatever the
      threshold; equal ones count half.

    Defined for classifiers that reject, and where rows of the kind exist.

    Source: Larson et al., An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction, EMNLP 2019.
    """

    higher_is_better: ClassVar[bool] = True
    interval: ClassVar[str] = "share"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return the three figures; none of a task that rejects nothing."""
        outside = getattr(table.task, "outside", None)
        if outside is None:
            return {}
        outside_N = table.targets == outside
        right_N = (table.targets == table.predicted).astype(np.float64)
        inside_RN, outside_RN = weights_RN * ~outside_N, weights_RN * outside_N
        return {
            "in_scope_accuracy": ratio(inside_RN @ right_N, inside_RN.sum(axis=1)),
            "out_of_scope_recall": ratio(outside_RN @ right_N, outside_RN.sum(axis=1)),
            "out_of_scope_auroc": auroc(margins(table.scores, outside), inside_RN, outside_RN),
        }

    def num_rows(self, table: ScoredRows) -> dict[str, int]:
        """Return the rows behind each figure."""
        outside = getattr(table.task, "outside", None)
        num_outside = int((table.targets == outside).sum()) if outside is not None else 0
        return {"in_scope_accuracy": len(table.targets) - num_outside, "out_of_scope_recall": num_outside}


def margins(scores_NK: NDArray[np.floating], outside: int) -> NDArray[np.float64]:
    """Return the log odds of the out-of-scope label against the best class, (N,): above 0 where a row is rejected.

    >>> margins(np.array([[0.6, 0.1, 0.3], [0.2, 0.2, 0.6]]), 2).round(3).tolist()
    [-0.693, 1.099]
    """
    smallest = float(np.finfo(np.float32).tiny)
    logs_NK = np.log(np.maximum(scores_NK.astype(np.float64), smallest))
    best_N = np.delete(logs_NK, outside, axis=1).max(axis=1, initial=np.log(smallest))
    return np.asarray(logs_NK[:, outside] - best_N)


def auroc(
    scores_N: NDArray[np.floating], low_RN: NDArray[np.float64], high_RN: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the area under the ROC curve of each resample, (R,): rows of `high` should have the higher scores.

    >>> low_RN, high_RN = np.array([[1.0, 1, 0, 0]]), np.array([[0.0, 0, 1, 1]])
    >>> auroc(np.array([0.1, 0.5, 0.5, 0.9]), low_RN, high_RN).tolist()
    [0.875]
    """
    order = np.argsort(scores_N, kind="stable")
    ranked_N = scores_N[order]
    first = np.searchsorted(ranked_N, ranked_N, side="left")
    last = np.searchsorted(ranked_N, ranked_N, side="right")
    below_RN = np.zeros((len(low_RN), len(scores_N) + 1))
    np.cumsum(low_RN[:, order], axis=1, out=below_RN[:, 1:])
    won_R = (high_RN[:, order] * (below_RN[:, first] + below_RN[:, last]) / 2).sum(axis=1)
    return ratio(won_R, low_RN.sum(axis=1) * high_RN.sum(axis=1))
