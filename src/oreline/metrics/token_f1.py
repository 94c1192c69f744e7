"""Accuracy and F1 of single tags.

Shape suffixes: N rows, W words of all rows, K tags, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """Accuracy and F1 over words, every tag a class of its own, `O` too.

    With `correct_k` words that have tag k and were given it, `true_k` that have it and `predicted_k` given it::

        token_accuracy    = sum_k correct_k / sum_k true_k
        token_weighted_f1 = sum_k true_k f1_k / sum_k true_k        f1_k = 2 correct_k / (true_k + predicted_k)

    scikit-learn's `f1_score(average="weighted")` on all words. Where most words are `O` these figures flatter: entities
    are what `entity_f1` counts. Intervals draw whole rows.
    """

    higher_is_better: ClassVar[bool] = True
    interval: ClassVar[str] = "share"
    view: ClassVar[str] = "tags"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `token_accuracy` and `token_weighted_f1`."""
        num_rows, num_tags = len(table.targets), len(table.labels) + 1  # one for tags unseen in training
        rows_W = np.repeat(np.arange(num_rows), [len(row) for row in table.targets])
        true_W, predicted_W = (_flat(rows) for rows in (table.targets, table.predicted))
        right_W = true_W == predicted_W

        def counted(tags_W: NDArray[np.int64], of_W: NDArray[np.int64]) -> NDArray[np.float64]:
            cells = np.bincount(of_W * num_tags + tags_W, minlength=num_rows * num_tags)
            return weights_RN @ cells.reshape(num_rows, num_tags)

        true_RK, predicted_RK = counted(true_W, rows_W), counted(predicted_W, rows_W)
        correct_RK = counted(true_W[right_W], rows_W[right_W])
        total_R = true_RK.sum(axis=1)
        f1_RK = np.nan_to_num(ratio(2 * correct_RK, true_RK + predicted_RK), nan=0.0)
        return {
            "token_accuracy": ratio(correct_RK.sum(axis=1), total_R),
            "token_weighted_f1": ratio((true_RK * f1_RK).sum(axis=1), total_R),
        }


def _flat(rows: NDArray[np.object_]) -> NDArray[np.int64]:
    return np.concatenate([np.empty(0, np.int64), *rows]).astype(np.int64)
