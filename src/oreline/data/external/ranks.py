"""What stands at a place of numbers in rising order, and how many stand before a number.

Shape suffixes: N rows, P places.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from oreline.data.external.sorting import I64, U64

_SIGN_BIT = 63


def rising(numbers_N: NDArray[np.int64] | NDArray[np.float64]) -> U64:
    """Return numbers that sort as those of 64 bits with a sign, of either kind, do; `NaN` must not be among them.

    >>> np.argsort(rising(np.array([2.5, -1.0, 0.0, -7.0]))).tolist()
    [3, 1, 2, 0]
    """
    sign = np.uint64(1 << _SIGN_BIT)
    if numbers_N.dtype != np.float64:
        return numbers_N.view(np.uint64) ^ sign
    bits_N = (numbers_N + 0.0).view(np.uint64)  # of two zeros one
    return np.where(bits_N & sign, ~bits_N, bits_N ^ sign)


def integers(codes_N: U64) -> I64:
    """Return the integers of which `rising` made these numbers."""
    return (codes_N ^ np.uint64(1 << _SIGN_BIT)).view(np.int64)


def at_places(blocks: Iterable[U64], places_P: I64) -> U64:
    """Return the numbers at some places of rising order; 0 for a place that is not there.

    >>> at_places([np.array([3, 4], np.uint64), np.array([9], np.uint64)], np.array([2, 0])).tolist()
    [9, 3]
    """
    found_P, begin = np.zeros(len(places_P), np.uint64), 0
    for block in blocks:
        is_inside_P = (begin <= places_P) & (places_P < begin + len(block))
        found_P[is_inside_P] = block[places_P[is_inside_P] - begin]
        begin += len(block)
    return found_P


def num_before(blocks: Iterable[U64], numbers_P: U64, side: Literal["left", "right"]) -> I64:
    """Return how many are less than each of some numbers (`left`), or not greater (`right`).

    >>> blocks = [np.array([3, 4], np.uint64), np.array([4, 9], np.uint64)]
    >>> num_before(blocks, np.array([4, 9], np.uint64), "left").tolist()
    [1, 3]
    """
    found_P = np.zeros(len(numbers_P), np.int64)
    for block in blocks:
        found_P += np.searchsorted(block, numbers_P, side=side)
    return found_P
