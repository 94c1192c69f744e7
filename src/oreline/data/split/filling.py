"""What splits hold of each class while they fill up, and where rows go next.

Shape suffixes: S splits, K classes, C classes of one unit, P places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from oreline.data.external.shuffling import shuffled
from oreline.data.external.sorting import I64, U64, decoded

Floats = NDArray[np.float64]


class Filling:
    """Splits that fill up: first with units of several rows, then every class with the single rows.

    Args:
        shares_S: of each split, with the sum 1.
        rows_K: rows of each class.
    """

    def __init__(self, shares_S: Floats, rows_K: I64) -> None:
        self._target_SK = shares_S[:, None] * rows_K
        self._target_S = self._target_SK.sum(axis=1)
        self._placed_SK = np.zeros_like(self._target_SK)
        self._placed_S = np.zeros(len(shares_S))

    def add(self, classes_C: I64, counts_C: I64) -> int:
        """Place a unit, of which so many rows are of some classes, and return its split.

        That is the one where it lowers the chi-squared distance to the targets most, in classes and in size: the sum
        over classes of ((n + u - t)^2 - (n - t)^2) / t, plus the same for the split as a whole.
        """
        target_SC = self._target_SK[:, classes_C]
        gap_SC = self._placed_SK[:, classes_C] - target_SC
        cost_S = ((2 * gap_SC * counts_C + counts_C**2) / target_SC).sum(axis=1)
        size = counts_C.sum()
        cost_S += (2 * size * (self._placed_S - self._target_S) + size**2) / self._target_S
        place = int(np.argmin(cost_S))
        self._placed_SK[place, classes_C] += counts_C
        self._placed_S[place] += size
        return place

    def quotas(self, singles_K: I64, random: np.random.Generator) -> I64:
        """Return how many single rows of each class go to each split, (S, K): whole numbers that sum to the singles.

        A class is rounded down everywhere first. What remains goes where the split as a whole lacks most, but a
        class that the largest split lacks goes there: a label that is tested must have been seen in training.
        """
        need_SK = np.maximum(self._target_SK - self._placed_SK, 0)
        total_K = need_SK.sum(axis=0)
        exact_SK = np.where(total_K > 0, need_SK * singles_K / np.where(total_K > 0, total_K, 1), 0)
        quota_SK = np.floor(exact_SK + 1e-9).astype(np.int64)
        largest = int(np.argmax(self._target_S))
        lacking_S = self._target_S - self._placed_S - quota_SK.sum(axis=1)
        for label in random.permutation(len(singles_K)):
            for _ in range(int(singles_K[label] - quota_SK[:, label].sum())):
                is_unseen = self._placed_SK[largest, label] + quota_SK[largest, label] == 0
                place = largest if is_unseen else int(np.argmax(lacking_S))
                quota_SK[place, label] += 1
                lacking_S[place] -= 1
        return quota_SK


def drawn(
    singles: Iterable[U64], singles_K: I64, quota_SK: I64, random: np.random.Generator, *, max_bytes: int
) -> Iterator[tuple[I64, I64]]:
    """Yield the single rows in random order and the split of each: of every class the first ones go to the first split.

    Args:
        singles: `coded(class, row)` of each.
        singles_K: how many there are of each class.
        quota_SK: how many of each class every split takes.
        random: drawn from.
        max_bytes: held in memory, about, beside the rows that are shuffled together.
    """
    ends_SK = np.cumsum(quota_SK, axis=0)
    begun_K = np.zeros(len(singles_K), np.int64)
    for block in shuffled(singles, int(singles_K.sum()), random, max_bytes=max_bytes):
        classes_P, rows_P = decoded(block)
        number_P = begun_K[classes_P] + _number_within(classes_P)
        begun_K += np.bincount(classes_P, minlength=len(begun_K))
        place_P = np.zeros(len(block), np.int64)
        for ends_K in ends_SK[:-1]:
            place_P += number_P >= ends_K[classes_P]
        yield rows_P, place_P


def _number_within(classes_P: I64) -> I64:
    """Return how many before each are of its class.

    >>> _number_within(np.array([2, 0, 2, 2, 0])).tolist()
    [0, 0, 1, 2, 1]
    """
    order_P = np.argsort(classes_P, kind="stable")
    in_order_P = classes_P[order_P]
    found_P = np.empty_like(order_P)
    found_P[order_P] = np.arange(len(order_P)) - np.searchsorted(in_order_P, in_order_P)
    return found_P
