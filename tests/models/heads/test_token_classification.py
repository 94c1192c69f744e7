"""The head over tokens: its loss against torch's own, and what padding changes: nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from transformers import AutoModelForTokenClassification

from oreline.models.batch import make_batch
from oreline.models.heads.token_classification import Head
from oreline.models.load import save_model

ROWS = [np.array(row, np.int32) for row in ([2, 7, 3], [2, 8, 9, 3], [2, 5, 6, 7, 3])]
TARGETS = [np.array(row) for row in ([-100, 1, -100], [-100, 0, 2, -100], [-100, 2, -100, 1, -100])]


def test_the_loss_is_the_sum_over_tokens_with_a_target(tiny_start: Path) -> None:
    head = Head(num_labels=3)
    model = head.module(tiny_start).eval()
    batch = make_batch(ROWS, 0, targets=TARGETS)
    assert batch.weight == 5
    logits_BTK, embedding_BD = head.outputs(model, batch)
    assert logits_BTK.shape == (3, 5, 3)
    assert embedding_BD.shape == (3, 32)
    expected = F.cross_entropy(torch.from_numpy(logits_BTK).flatten(0, 1), batch.targets.flatten(), reduction="sum")
    assert float(head.loss(model, batch).detach()) == pytest.approx(float(expected), rel=1e-5)
    for row, ids in enumerate(ROWS):
        alone, _ = head.outputs(model, make_batch([ids], 0))
        np.testing.assert_allclose(alone[0], logits_BTK[row, : len(ids)], atol=1e-5)


def test_smoothing_and_focus() -> None:
    logits_BTK, targets_BT = torch.randn(2, 3, 4), torch.tensor([[0, -100, 3], [1, 2, -100]])
    plain = F.cross_entropy(logits_BTK.transpose(1, 2), targets_BT, reduction="none")
    focal = Head(num_labels=4, focal_gamma=2.0).terms(logits_BTK, targets_BT)
    torch.testing.assert_close(focal, ((1 - (-plain).exp()) ** 2 * plain).sum(dim=1))
    smooth = Head(num_labels=4, label_smoothing=0.2).terms(logits_BTK, targets_BT)
    theirs = F.cross_entropy(logits_BTK.transpose(1, 2), targets_BT, reduction="none", label_smoothing=0.2)
    torch.testing.assert_close(smooth, theirs.sum(dim=1))


def test_divergence_counts_tokens_with_a_target_only() -> None:
    first, second = torch.randn(1, 3, 4), torch.randn(1, 3, 4)
    head = Head(num_labels=4)
    assert head.divergence(first, first, torch.tensor([[0, 1, 2]])).tolist() == [0]
    p, q = first[0, 1].log_softmax(0), second[0, 1].log_softmax(0)
    by_hand = (F.kl_div(q, p, log_target=True, reduction="sum") + F.kl_div(p, q, log_target=True, reduction="sum")) / 2
    torch.testing.assert_close(head.divergence(first, second, torch.tensor([[-100, 1, -100]])), by_hand[None])


def test_what_is_saved_opens_with_transformers(tiny_start: Path, tmp_path: Path) -> None:
    head = Head(num_labels=3)
    model = head.module(tiny_start).eval()
    save_model(model, tmp_path, labels=("O", "B-X", "I-X"))
    theirs = AutoModelForTokenClassification.from_pretrained(tmp_path).eval()
    assert theirs.config.id2label == {0: "O", 1: "B-X", 2: "I-X"}
    batch = make_batch(ROWS, 0)
    with torch.inference_mode():
        np.testing.assert_allclose(theirs(**batch.inputs()).logits.numpy(), head.outputs(model, batch)[0], atol=1e-5)
