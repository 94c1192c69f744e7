"""Distances between embeddings, against scikit-learn's covariance and scipy's distances."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.covariance import ledoit_wolf

from oreline.errors import UsageError
from oreline.rejectors.distance import Rejector, shrunk_covariance
from oreline.types import Signals


def embedded(num_rows: int = 60, width: int = 5) -> tuple[np.ndarray, np.ndarray]:
    source = np.random.default_rng(0)
    targets_N = np.arange(num_rows) % 3 * 2  # class 1 has no row
    return source.normal(size=(num_rows, width)) + targets_N[:, None] * np.arange(width), targets_N


@pytest.mark.parametrize(("num_rows", "width"), [(60, 5), (8, 20)])
def test_the_covariance_is_scikit_learns(num_rows: int, width: int):
    rows_ND = embedded(num_rows, width)[0]
    rows_ND = rows_ND - rows_ND.mean(axis=0)
    np.testing.assert_allclose(shrunk_covariance(rows_ND), ledoit_wolf(rows_ND, assume_centered=True)[0])


def test_mahalanobis_is_scipys():
    rows_ND, targets_N = embedded()
    rejector = Rejector()
    memory = rejector.remember(rows_ND, targets_N)
    means_KD = np.stack([rows_ND[targets_N == k].mean(axis=0) for k in (0, 2, 4)])
    covariance = ledoit_wolf(rows_ND - means_KD[targets_N // 2], assume_centered=True)[0]
    theirs = cdist(rows_ND, means_KD, "mahalanobis", VI=np.linalg.inv(covariance)).min(axis=1) ** 2
    found = rejector.far(Signals(np.zeros((60, 3)), np.zeros(60), rows_ND), memory)
    np.testing.assert_allclose(found, theirs, rtol=1e-4, atol=1e-4)


def test_cosine_is_scipys():
    rows_ND, targets_N = embedded()
    rejector = Rejector(measure="cosine")
    memory = rejector.remember(rows_ND, targets_N)
    unit_ND = rows_ND / np.linalg.norm(rows_ND, axis=1, keepdims=True)
    means_KD = np.stack([unit_ND[targets_N == k].mean(axis=0) for k in (0, 2, 4)])
    found = rejector.far(Signals(np.zeros((60, 3)), np.zeros(60), rows_ND), memory)
    np.testing.assert_allclose(found, cdist(rows_ND, means_KD, "cosine").min(axis=1), atol=1e-6)


def test_a_class_of_one_row_and_rows_that_are_equal_give_finite_distances():
    rejector = Rejector()
    memory = rejector.remember(np.ones((4, 3)), np.array([0, 0, 0, 1]))
    assert np.isfinite(
        rejector.far(Signals(np.zeros((2, 2)), np.zeros(2), np.array([[1.0] * 3, [2.0] * 3])), memory)
    ).all()


def test_an_unknown_measure_is_refused():
    with pytest.raises(UsageError, match="measure is 'euclid'"):
        Rejector(measure="euclid")  # type: ignore[arg-type]
