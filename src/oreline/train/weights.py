"""What each training row counts: the column `weight`, as sources, rules and users give it.

A row of weight 2 moves the weights of a model as two rows of weight 1 would. Weights are scaled to a mean of 1 over
the training rows, so that learning rates and penalties mean what they mean without; only their ratios count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from oreline import registry
from oreline.errors import DataError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.data.dataset import Dataset

WEIGHT = "weight"
_ASIDE = "train.row_weights=false leaves the weights aside"


def row_weights(frame: pl.DataFrame) -> NDArray[np.float32] | None:
    """Return what each row counts, (N,), with mean 1; None where all count the same.

    A row without a weight, of a source that has none, counts as one of weight 1.

    >>> row_weights(pl.DataFrame({"weight": ["3", None]})).tolist()
    [1.5, 0.5]

    Raises `DataError`, with the row's number, for what is no number from 0 on; and where all weights are 0.
    """
    if WEIGHT not in frame.columns or not frame.height:
        return None
    given = frame[WEIGHT]
    numbers = given.cast(pl.Float64, strict=False)
    wrong = given.is_not_null() & ~(numbers.is_finite() & (numbers >= 0)).fill_null(False)
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise DataError(
            f"the row's weight is {given[row]!r}",
            allowed="a number from 0 on; what it counts beside other rows",
            remedy=f"correct the column {WEIGHT!r}; or, if it means something else, {_ASIDE}",
            row=row,
        )
    weights = numbers.fill_null(1.0).to_numpy()
    if not weights.any():
        raise DataError("every row has the weight 0", remedy=f"correct the column {WEIGHT!r}; or {_ASIDE}")
    if np.ptp(weights) == 0:
        return None
    return np.asarray(weights / weights.mean(), np.float32)


def weighted_sentence(weights_N: NDArray[np.float32] | None, frame: pl.DataFrame) -> str:
    """Say that rows count differently; empty where they do not."""
    if weights_N is None:
        return ""
    given = frame[WEIGHT].cast(pl.Float64).fill_null(1.0).to_numpy()
    low, high = float(given.min()), float(given.max())
    return (
        f"rows count by the column {WEIGHT!r}, from {low:g} to {high:g}, as "
        f"{float(weights_N.min()):.2f} to {float(weights_N.max()):.2f} rows each; {_ASIDE}"
    )


def refuse_unweighed(trainer: Any, method: str, task: str) -> None:
    """Raise `UsageError` for a method that counts every row the same, where rows have weights."""
    if not getattr(trainer, "trains", True):
        return
    texts = registry.get("task", task).view == "texts"
    if getattr(trainer, "weighs", False) and not texts:
        return
    able = [name for name in registry.names("method") if getattr(registry.get("method", name), "weighs", False)]
    what = f"the task {task!r} counts words, not rows" if texts else f"the method {method!r} counts all rows the same"
    raise UsageError(
        f"the rows have weights (the column {WEIGHT!r}), and {what}",
        allowed=f"for tasks without written answers: {', '.join(able)}, or an adapter",
        remedy=f"{_ASIDE}; quotas of sources (`quota`) work for all methods",
    )


def refuse_weighted(data: Dataset, verb: str, *, counted: bool) -> None:
    """Raise `UsageError` where the training rows of a verb that counts all rows the same have weights."""
    if not counted or WEIGHT not in data.manifest.columns:
        return
    split = "train" if "train" in data.splits else data.splits[0]
    if row_weights(data.frame(split, [WEIGHT])) is not None:
        raise UsageError(
            f"the rows have weights (the column {WEIGHT!r}), and {verb} counts all rows the same",
            where=str(data.path),
            remedy=f"{_ASIDE}; quotas of sources (`quota`) work for all verbs",
        )
