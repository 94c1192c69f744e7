"""Which of several rows stays."""

from __future__ import annotations

import numpy as np
import polars as pl

from oreline.data.duplicates.survivors import agreed, divided, places, ranks


def test_of_equal_ranks_the_first_comes_first() -> None:
    assert places(np.array([2.0, -1.0, 2.0, -1.0])).tolist() == [2, 0, 3, 1]


def test_missing_numbers_are_worst() -> None:
    scan = pl.LazyFrame({"weight": [0.5, None, float("nan"), 2.0]})
    rank_N = ranks(scan, "highest", "weight", np.zeros(4, np.int64), operator="x")
    assert places(rank_N).tolist() == [1, 2, 3, 0]


def test_every_row_goes_for_one_that_stays() -> None:
    """Five rows on a line, alike when they are neighbours: the best row and then the best of the rest stay."""
    found = divided(
        np.zeros(5, np.int64),
        np.arange(5),
        places(np.array([3, 1, 2, 4, 0])),
        lambda first, second: 1 - np.abs(first - second) / 2,
        0.5,
    )
    assert dict(zip(found.dropped_D.tolist(), found.kept_D.tolist())) == {0: 1, 2: 1, 3: 4}
    assert found.similarity_D.tolist() == [0.5, 0.5, 0.5]
    assert found.num_unmerged == 0


def test_clusters_of_one_target_are_agreed() -> None:
    scan = pl.LazyFrame({"row_id": list("abcde"), "label": ["1", "1", "0", None, None]})
    schema = {"position": pl.UInt32, "kept": pl.UInt32}
    drops = pl.DataFrame({"position": [1, 2, 4], "kept": [0, 0, 3]}, schema=schema)
    assert agreed(drops, scan)["position"].to_list() == [4]
    assert agreed(drops, scan.drop("label")).height == 3
