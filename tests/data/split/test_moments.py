"""Rows along time: more in test_places.py, beside the split of rows in memory."""

from __future__ import annotations

import numpy as np
import polars as pl

from oreline.data.split.moments import Moments


def placed(times: list[int], shares: list[float], gap: int = 0) -> list[int]:
    moments = Moments(max_bytes=0)
    for start in range(0, len(times), 2):
        moments.add(pl.Series(times[start : start + 2], dtype=pl.Int64).cast(pl.Datetime("us")))
    return moments.places(np.array(shares), gap).array().tolist()


def test_ties_stay_on_the_side_of_the_older_split() -> None:
    assert placed([5, -1, 5, 5, 9], [0.4, 0.6]) == [0, 0, 0, 0, 1]


def test_the_gap_lies_before_the_first_row_of_what_is_later() -> None:
    assert placed([0, 4, 5, 6, 10], [0.6, 0.4], gap=2) == [0, 0, -1, 1, 1]
    for gap in (100, 10**30):
        assert placed([0, 4, 5, 6, 10], [0.6, 0.4], gap=gap) == [-1, -1, -1, 1, 1]


def test_a_split_too_small_for_any_row_is_empty() -> None:
    assert placed([3, 1, 2], [0.1, 0.8, 0.1], gap=0) == [1, 1, 1]
    assert placed([3, 1, 2], [0.1, 0.8, 0.1], gap=1) == [1, 1, 1]
    assert placed([], [0.5, 0.5]) == []
