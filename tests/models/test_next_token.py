"""What next tokens cost, and answers by what they cost, some at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from oreline.models import next_token
from oreline.models.next_token import Answer, best_first, means_of, summed_costs, symmetric_divergence


def test_costs_are_those_of_the_targets_only():
    targets_BU = torch.tensor([[1, 2, -100], [-100, -100, -100]])
    nats_B, tokens_B = summed_costs(torch.zeros(2, 3, 4), targets_BU)
    assert nats_B.tolist() == pytest.approx([2 * np.log(4), 0])
    assert tokens_B.tolist() == [2, 0]


def test_only_places_with_a_target_diverge():
    logits_BPV = torch.randn(1, 2, 4, generator=torch.Generator().manual_seed(0))
    others_BPV = logits_BPV.clone()
    others_BPV[0, 1] += torch.tensor([1.0, 0, 0, 0])
    p, q = logits_BPV[0, 1].softmax(0), others_BPV[0, 1].softmax(0)
    expected = float((p * (p / q).log()).sum() + (q * (q / p).log()).sum()) / 2
    assert symmetric_divergence(logits_BPV, others_BPV, torch.tensor([[-100, 2]])).item() == pytest.approx(expected)
    assert symmetric_divergence(logits_BPV, others_BPV, torch.tensor([[2, -100]])).item() == 0


def test_of_equal_answers_one_is_kept():
    answers = [Answer([3], -3.0), Answer([1], -1.0), Answer([3], -3.0)]
    assert best_first(answers) == [Answer([1], -1.0), Answer([3], -3.0)]


def test_no_more_scores_are_in_memory_at_once_than_fit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(next_token, "_SCORES_AT_ONCE", 250)
    asked = []

    def costs(rows: slice):
        asked.append((rows.start, rows.stop))
        numbers = np.arange(rows.start, rows.stop)
        return numbers.astype(float), np.ones(len(numbers), np.int64)

    assert means_of(5, costs, num_scores=100) == [0, -1, -2, -3, -4]
    assert asked == [(0, 2), (2, 4), (4, 5)]
