"""The classification head: its loss, its weights, and the vector that it reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from oreline.models.batch import make_batch
from oreline.models.heads.sequence_classification import Head, balanced_weights

ROWS = [np.array(row, np.int32) for row in ([2, 7, 3], [2, 8, 9, 3], [2, 5, 6, 7, 3])]
TARGETS = np.array([0, 2, 1])


@pytest.mark.parametrize("pooling", ["first", "mean"])
@pytest.mark.parametrize("weights", [None, [0.5, 1.0, 2.0]])
def test_the_loss_is_the_sum_of_weighted_log_probabilities(tiny_start: Path, pooling: str, weights):
    head = Head(num_labels=3, pooling=pooling, class_weights=weights)
    model = head.module(tiny_start).eval()
    batch = make_batch(ROWS, 0, targets=TARGETS)
    logits_BK, _ = head.outputs(model, batch)
    scores_BK = torch.from_numpy(logits_BK).softmax(dim=1).numpy()
    chosen = scores_BK[np.arange(3), TARGETS]
    factors = np.array(weights or [1.0, 1.0, 1.0])[TARGETS]
    assert float(head.loss(model, batch).detach()) == pytest.approx(float((-np.log(chosen) * factors).sum()), rel=1e-5)


@pytest.mark.parametrize("targets", [[0, 0, 0, 1], [0, 1, 2, 2, 2, 2], [1, 0]])
def test_balanced_weights_are_scikit_learns(targets: list[int]):
    num_labels = max(targets) + 1
    theirs = compute_class_weight("balanced", classes=np.arange(num_labels), y=np.array(targets))
    np.testing.assert_allclose(balanced_weights(np.array(targets), num_labels), theirs)
