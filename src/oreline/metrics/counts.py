"""Weighted counts that the metrics share: rows by class, and sums by group.

A metric never sees resampled rows, only the weight that each row has in each resample; the weight of a row is the
number of times that it was drawn. Weights of one give the figure itself.

Shape suffixes: N rows, K classes, R resamples, G groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ScoredRows(Protocol):
    """What a metric reads of `oreline.evaluate.table.Table`."""

    @property
    def task(self) -> Any:
        """What is predicted."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the model's outputs, in their order."""
        ...

    @property
    def targets(self) -> NDArray[Any]:
        """The truth as the task encodes it: class indices (N,), marks (N, K), or numbers (N,)."""
        ...

    @property
    def scores(self) -> NDArray[np.floating]:
        """What the model says, (N, K)."""
        ...

    @property
    def predicted(self) -> NDArray[Any]:
        """The model's answers, in the form of the targets."""
        ...


class ClassCounts(NamedTuple):
    """Weighted rows of each class."""

    true_RK: NDArray[np.float64]
    """Rows that have the class."""
    predicted_RK: NDArray[np.float64]
    """Rows that were given the class."""
    correct_RK: NDArray[np.float64]
    """Rows that have the class and were given it."""


def class_counts(table: ScoredRows, weights_RN: NDArray[np.float64]) -> ClassCounts:
    """Count the rows of each class by truth, by prediction, and where both agree."""
    num_classes = len(table.labels)
    right_N = table.targets == table.predicted
    return ClassCounts(
        group_sums(weights_RN, table.targets, num_classes),
        group_sums(weights_RN, table.predicted, num_classes),
        group_sums(weights_RN[:, right_N], table.targets[right_N], num_classes),
    )


def group_sums(values_RN: NDArray[np.float64], groups_N: NDArray[np.int64], num_groups: int) -> NDArray[np.float64]:
    """Sum the columns of each group.

    >>> group_sums(np.array([[1.0, 2.0, 4.0]]), np.array([1, 0, 1]), num_groups=3).tolist()
    [[2.0, 5.0, 0.0]]
    """
    # One bincount for each resample passes once over the weights and needs no one-hot matrix, which at 100,000
    # rows and 150 classes would be larger than the weights themselves.
    sums_RG = np.zeros((len(values_RN), num_groups))
    for row, values_N in enumerate(values_RN):
        sums_RG[row] = np.bincount(groups_N, weights=values_N, minlength=num_groups)
    return sums_RG


def ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; NaN, without a warning, where the denominator is zero: there is nothing to measure.

    >>> ratio(np.array([1.0, 0.0]), np.array([4.0, 0.0])).tolist()
    [0.25, nan]
    """
    result = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator != 0)
    return result


def deviations(values_N: NDArray[np.float64], weights_RN: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each value less the weighted mean of each resample, exactly 0 where all drawn values are equal."""
    if not len(values_N):
        return np.zeros_like(weights_RN)
    # Counted from a drawn value: the mean of equal ones is then exactly 0, not off by a rounding that passes for
    # variance.
    offsets_RN = values_N - values_N[weights_RN.argmax(axis=1)][:, None]
    means_R = ratio(np.einsum("rn,rn->r", weights_RN, offsets_RN), weights_RN.sum(axis=1))
    return np.asarray(offsets_RN - np.nan_to_num(means_R)[:, None])
