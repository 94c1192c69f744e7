"""F1 of relations, a class that says "none" left out.

Shape suffixes: R resamples, N rows, K classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, class_counts, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """Precision, recall and F1 of all classes but the task's negative one, together (micro) and as a mean (macro).

    With `correct` rows of a relation that were given it, `true` rows that have any and `predicted` rows given any::

        relation_precision = correct / predicted    relation_recall = correct / true
        relation_f1        = 2 correct / (true + predicted)

    as TACRED's scorer counts them (Zhang et al., EMNLP 2017). `relation_macro_f1` is the mean of the F1 of the
    relations that some row has or was given. Where the task has no negative class, all classes count.
    """

    higher_is_better: ClassVar[bool] = True
    interval: ClassVar[str] = "share"
    view: ClassVar[str] = "classes"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `relation_f1`, `relation_precision`, `relation_recall` and `relation_macro_f1`."""
        counted_K = _counted(table)
        counts = class_counts(table, weights_RN)
        true_RK, predicted_RK, correct_RK = (counts_RK[:, counted_K] for counts_RK in counts)
        true_R, predicted_R, correct_R = (each.sum(axis=1) for each in (true_RK, predicted_RK, correct_RK))
        either_RK = true_RK + predicted_RK
        f1_RK = np.nan_to_num(ratio(2 * correct_RK, either_RK), nan=0.0)
        return {
            "relation_f1": ratio(2 * correct_R, true_R + predicted_R),
            "relation_precision": ratio(correct_R, predicted_R),
            "relation_recall": ratio(correct_R, true_R),
            "relation_macro_f1": ratio(f1_RK.sum(axis=1), (either_RK > 0).sum(axis=1).astype(np.float64)),
        }

    def num_rows(self, table: ScoredRows) -> dict[str, int]:
        """Return the rows behind each figure: given a relation, having one, and either of them."""
        counted_K = _counted(table)
        true_N, given_N = (np.isin(answers, np.flatnonzero(counted_K)) for answers in (table.targets, table.predicted))
        either = int((true_N | given_N).sum())
        return {
            "relation_f1": either,
            "relation_precision": int(given_N.sum()),
            "relation_recall": int(true_N.sum()),
            "relation_macro_f1": either,
        }


def _counted(table: ScoredRows) -> NDArray[np.bool_]:
    """Return which classes are relations, (K,)."""
    negative = getattr(table.task, "negative", None)
    return np.asarray([label != negative for label in table.labels], dtype=bool)
