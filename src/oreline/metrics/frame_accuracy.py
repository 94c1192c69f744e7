"""Intents, slots, and rows that have both right.

Shape suffixes: N rows, R resamples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from oreline.metrics.counts import ScoredRows, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Metric:
    """Share of rows with the right intent and all slots right; beside it the figures of either part.

    * `frame_accuracy`: intent and every entity of the row are right ("sentence-level semantic frame accuracy").
    * `intent_accuracy`: share of rows with the right intent.
    * `slot_f1`: F1 of entities, as `entity_f1`.
    """

    higher_is_better: ClassVar[bool] = True
    interval: ClassVar[str] = "share"
    view: ClassVar[str] = "frames"

    def values(self, table: ScoredRows, weights_RN: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return `frame_accuracy`, `intent_accuracy` and `slot_f1`."""
        slots: Any = table.task.slots
        counts_N3 = np.zeros((len(table.targets), 3))
        right_N2 = np.zeros((len(table.targets), 2))
        for row, (true_W, given_W) in enumerate(zip(table.targets, table.predicted)):
            true, given = set(slots.entities(true_W[1:])), set(slots.entities(given_W[1:]))
            counts_N3[row] = len(true), len(given), len(true & given)
            is_right = true_W[0] == given_W[0]
            right_N2[row] = is_right, is_right and true == given
        true_R, given_R, both_R = (weights_RN @ counts_N3).T
        intent_R, frame_R = (weights_RN @ right_N2).T
        total_R = weights_RN.sum(axis=1)
        return {
            "frame_accuracy": ratio(frame_R, total_R),
            "intent_accuracy": ratio(intent_R, total_R),
            "slot_f1": ratio(2 * both_R, true_R + given_R),
        }
