"""What training maximises on dev.

Shape suffixes: N rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from oreline import registry
from oreline.types import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray


def aim_of(
    task: Task, targets: NDArray[Any], outputs: Mapping[str, NDArray[Any]], figures: Mapping[str, float]
) -> tuple[float, float]:
    """Return the task's first figure, to be maximised, and minus its loss, both of rows that were answered.

    Equal figures are frequent on few rows, and entities are all wrong until much has been learnt: the loss decides
    then, and says that something is still being learnt. A task without one has 0. What is undefined is worst.

    Args:
        task: with the rows' texts at hand, where its answers are places in them.
        targets: as it encodes them.
        outputs: of the model for these rows.
        figures: their figures, by name.
    """
    first = task.metrics[0]
    sign = 1.0 if registry.get("metric", first).higher_is_better else -1.0
    loss = figures.get("log_loss", 0.0)
    if "log_loss" not in figures and hasattr(task, "surprise"):
        loss = task.surprise(targets, outputs["scores"])
    return sign * figures.get(first, -sign * math.inf), -loss
