"""The classification head: its loss, its weights, and the vector that it reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from oreline.models.batch import make_batch
from oreline.models.heads.sequence_classification import Head

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


LOGITS = torch.log(torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2]]))
CLASSES = torch.tensor([0, 2])


def test_smoothing_spreads_a_share_of_the_target():
    terms = Head(num_labels=3, label_smoothing=0.3).terms(LOGITS, CLASSES)
    by_hand = [-(0.8 * np.log(0.7) + 0.1 * np.log(0.2) + 0.1 * np.log(0.1)),
               -(0.1 * np.log(0.5) + 0.1 * np.log(0.3) + 0.8 * np.log(0.2))]  # fmt: skip
    np.testing.assert_allclose(terms, by_hand, rtol=1e-5)


def test_the_focal_factor_and_the_class_weights_multiply():
    head = Head(num_labels=3, focal_gamma=2.0, class_weights=[0.5, 1.0, 3.0])
    by_hand = [0.5 * 0.3**2 * -np.log(0.7), 3.0 * 0.8**2 * -np.log(0.2)]
    np.testing.assert_allclose(head.terms(LOGITS, CLASSES), by_hand, rtol=1e-5)
    both = Head(num_labels=3, focal_gamma=1.0, label_smoothing=0.3).terms(LOGITS, CLASSES)
    smoothed = Head(num_labels=3, label_smoothing=0.3).terms(LOGITS, CLASSES)
    torch.testing.assert_close(both, smoothed * torch.tensor([0.3, 0.8]))


def test_the_focal_loss_has_a_finite_slope_where_the_model_is_sure():
    logits = torch.tensor([[200.0, 0.0, 0.0], [0.0, 0.0, 200.0]], requires_grad=True)
    Head(num_labels=3, focal_gamma=0.5).terms(logits, torch.tensor([0, 0])).sum().backward()
    assert logits.grad.isfinite().all()


def test_the_divergence_is_the_mean_of_both_kl_divergences():
    p, q = LOGITS.softmax(1), LOGITS.flip(1).softmax(1)
    by_hand = ((p * (p / q).log()).sum(1) + (q * (q / p).log()).sum(1)) / 2
    head = Head(num_labels=3)
    torch.testing.assert_close(head.divergence(LOGITS + 5, LOGITS.flip(1), CLASSES), by_hand)
    assert head.divergence(LOGITS, LOGITS, CLASSES).tolist() == [0, 0]
