"""Weighted counts that the metrics share: rows by class, and sums by group.

A metric never sees resampled rows, only the weight that each row has in each resample; the weight of a row is the
number of times that it was drawn. Weights of one give the figure itself.

Shape suffixes: N rows, K classes, R resamples, G groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ScoredRows(Protocol):
    """What a classification metric reads of `oreline.evaluate.table.Table`."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in index order."""
        ...

    @property
    def targets_N(self) -> NDArray[np.int64]:  # noqa: N802  an array, named by its shape
        """Index of the true class."""
        ...

    @property
    def scores_NK(self) -> NDArray[np.floating]:  # noqa: N802  an array, named by its shape
        """Probabilities."""
        ...

    @property
    def predicted_N(self) -> NDArray[np.int64]:  # noqa: N802  an array, named by its shape
        """Index of the most probable class."""
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
    right_N = table.targets_N == table.predicted_N
    return ClassCounts(
        group_sums(weights_RN, table.targets_N, num_classes),
        group_sums(weights_RN, table.predicted_N, num_classes),
        group_sums(weights_RN[:, right_N], table.targets_N[right_N], num_classes),
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
