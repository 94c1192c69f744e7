"""Weights of classes, beside scikit-learn's and the paper's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from oreline.models.class_weights import balanced_weights, effective_weights


@pytest.mark.parametrize("targets", [[0, 0, 0, 1], [0, 1, 2, 2, 2, 2], [1, 0]])
def test_balanced_weights_are_scikit_learns(targets: list[int]):
    num_labels = max(targets) + 1
    theirs = compute_class_weight("balanced", classes=np.arange(num_labels), y=np.array(targets))
    np.testing.assert_allclose(balanced_weights(np.array(targets), num_labels), theirs)


def test_effective_weights_are_the_papers():
    targets = np.array([0] * 3000 + [1] * 200 + [2])
    weights = np.array(effective_weights(targets, 3))
    effective = np.array([sum(0.999**power for power in range(n)) for n in (3000, 200, 1)])  # (1 − βⁿ) / (1 − β)
    np.testing.assert_allclose(weights * effective, (weights * effective)[0])
    assert weights[targets].mean() == pytest.approx(1)
    many = effective_weights(np.array([0] * 50_000 + [1] * 20_000), 2)
    np.testing.assert_allclose(many, [1, 1], rtol=1e-6)
