"""The number by which an explanation follows an answer: what the task says it is, else a label's score.

Shape suffixes: V a row and its variants, K outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from oreline.metrics.tags import OUTSIDE
from oreline.runtime.windows import by_row
from oreline.tasks.explaining import chosen
from oreline.types import Columns, Explained

if TYPE_CHECKING:
    from oreline.types import Runtime


def explained(runtime: Runtime, columns: Columns, label: str | None = None) -> Explained:
    """Return the answer to the first of some rows, and how much each of them speaks for it.

    Args:
        runtime: the model.
        columns: a row, then variants of it from which words are left out, V in all.
        label: the answer that is asked about; the model's own to the first row when not given.

    Raises:
        UsageError: an answer that the model does not give, or a model that cannot say how probable it is.
    """
    own = getattr(runtime.task, "explained", None)
    if own is not None:
        found: Explained = own(runtime, columns, label)
        return found
    return _by_label(runtime, columns, label)


def _by_label(runtime: Runtime, columns: Columns, label: str | None) -> Explained:
    """Follow the score of a label; of rows of words, the highest that any word has."""
    labels = runtime.task.labels
    predictions = runtime.predict(columns)
    scores_VK = by_row(predictions.outputs["scores"], len(labels))
    if label is None:
        order = np.argsort(-scores_VK[0], kind="stable")
        # The label that says "nothing here" is the answer only where there is no other.
        index = next((int(k) for k in order if labels[k] != OUTSIDE), int(order[0]))
    else:
        index = labels.index(chosen(label, labels))
    return Explained(labels[index], scores_VK[:, index].astype(np.float64), bool(predictions.truncated_N[0]))
