"""Splits that fill up."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.data.external import shuffling
from oreline.data.external.sorting import coded
from oreline.data.split.filling import Filling, drawn

SHARES = np.array([0.8, 0.2])


def test_a_unit_goes_where_its_classes_lack_most() -> None:
    filling = Filling(SHARES, np.array([10, 10]))
    assert filling.add(np.array([0]), np.array([8])) == 0
    assert filling.add(np.array([0]), np.array([2])) == 1
    assert filling.add(np.array([1]), np.array([8])) == 0
    assert filling.quotas(np.array([0, 2]), np.random.default_rng(0)).tolist() == [[0, 0], [0, 2]]


def test_quotas_sum_to_the_single_rows_and_a_rare_class_is_trained_on() -> None:
    filling = Filling(SHARES, np.array([95, 1, 4]))
    quota_SK = filling.quotas(np.array([95, 1, 4]), np.random.default_rng(0))
    assert quota_SK.sum(axis=0).tolist() == [95, 1, 4]
    assert abs(quota_SK.sum(axis=1) - [80, 20]).max() <= 1
    assert quota_SK[0, 1] == 1


@pytest.mark.parametrize("bucket", [7, 1 << 24])
def test_every_quota_is_met_to_the_row(monkeypatch: pytest.MonkeyPatch, bucket: int) -> None:
    monkeypatch.setattr(shuffling, "BUCKET", bucket)
    monkeypatch.setattr(shuffling, "BLOCK", 5)
    classes = np.random.default_rng(0).integers(0, 3, 200)
    singles_K = np.bincount(classes)
    quota_SK = np.stack([singles_K // 2, singles_K // 3, singles_K - singles_K // 2 - singles_K // 3])
    codes = coded(classes, np.arange(200))
    places = np.full(200, -1)
    blocks = (codes[start : start + 9] for start in range(0, 200, 9))
    for rows, place in drawn(blocks, singles_K, quota_SK, np.random.default_rng(1), max_bytes=0):
        assert (places[rows] == -1).all()
        places[rows] = place
    found = [[int(((places == place) & (classes == label)).sum()) for label in range(3)] for place in range(3)]
    assert found == quota_SK.tolist()
