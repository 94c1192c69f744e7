"""The head for spans: its loss is torch's over the tokens that may answer; a part of an answer is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from oreline.models.batch import make_batch
from oreline.models.heads.question_answering import Head, chosen_tokens

TARGETS_BT = torch.tensor([[0, -100, 1, 0, 2], [3, -100, 0, 0, -100], [0, -100, 0, 3, -100], [0, -100, 1, 0, 0]])


def test_the_loss_is_the_cross_entropy_of_two_choices() -> None:
    logits_BT2 = torch.randn(4, 5, 2)
    terms_B = Head().terms(logits_BT2, TARGETS_BT)
    for row, (start, end) in enumerate([(2, 4), (0, 0), (3, 3), (0, 0)]):
        allowed = torch.nonzero(TARGETS_BT[row] != -100).flatten()
        expected = [
            F.cross_entropy(logits_BT2[row, allowed, side], torch.nonzero(allowed == place)[0, 0])
            for side, place in enumerate((start, end))
        ]
        torch.testing.assert_close(terms_B[row], (expected[0] + expected[1]) / 2)
    assert chosen_tokens(TARGETS_BT).tolist() == [[2, 4], [0, 0], [3, 3], [0, 0]]


def test_divergence_is_zero_of_itself_and_by_hand_otherwise() -> None:
    first, second = torch.randn(4, 5, 2), torch.randn(4, 5, 2)
    assert Head().divergence(first, first, TARGETS_BT).abs().max() == 0
    log_p, log_q = (each[1, [0, 2, 3]].log_softmax(0) for each in (first, second))
    by_hand = (log_p.exp() - log_q.exp()).mul(log_p - log_q).sum() / 4
    torch.testing.assert_close(Head().divergence(first, second, TARGETS_BT)[1], by_hand)


def test_padding_changes_nothing_and_gradients_are_finite(tiny_start: Path) -> None:
    head = Head()
    model = head.module(tiny_start).eval()
    rows = [np.array([2, 7, 3, 8, 3], np.int32), np.array([2, 7, 3, 8, 9, 9, 9, 3], np.int32)]
    targets = [np.array([0, -100, -100, 3, -100]), np.array([3, -100, -100, 0, 0, 0, 0, -100])]
    together = head.loss(model, make_batch(rows, 0, targets=targets))
    alone = [head.loss(model, make_batch([ids], 0, targets=[marks])) for ids, marks in zip(rows, targets)]
    assert float(together.detach()) == pytest.approx(float((alone[0] + alone[1]).detach()), rel=1e-5)
    together.backward()
    assert all(torch.isfinite(weight.grad).all() for weight in model.parameters() if weight.grad is not None)
