"""Precision, recall and F1 of entities.

Shape suffixes: N rows, L labels of entities, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, ratio
from oreline.metrics.tags import entity_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """Precision, recall and F1 of entities: right where the same words have the same label, nothing for a part of them.

    With `correct` entities in both truth and answer::

        entity_precision = correct / predicted        entity_recall = correct / true
        entity_f1        = 2 correct / (true + predicted)

    That of the CoNLL-2003 evaluation (Tjong Kim Sang & De Meulder, 2003) and of seqeval. Tags that are no spans (parts
    of speech) count as entities of one word. Intervals draw whole rows, since entities of one row are not independent.
    """

    higher_is_better: ClassVar[bool] = True
    interval: ClassVar[str] = "share"
    view: ClassVar[str] = "tags"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `entity_f1`, `entity_precision` and `entity_recall`."""
        counts = entity_counts(table)
        true_R, predicted_R, correct_R = (
            weights_RN @ counts_NL.sum(axis=1) for counts_NL in (counts.true_NL, counts.predicted_NL, counts.correct_NL)
        )
        return {
            "entity_f1": ratio(2 * correct_R, true_R + predicted_R),
            "entity_precision": ratio(correct_R, predicted_R),
            "entity_recall": ratio(correct_R, true_R),
        }
