"""The loss of a step over pairs: cached gradients are those of the whole step, dropout included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from oreline import registry
from oreline.models.batch import make_batch
from oreline.models.pairs import PairBatch, PairLoss, StepTexts, pair_batches

TEXTS = [[2, 7, 9, 11, 3], [2, 8, 3], [2, 12, 6, 3], [2, 10, 3], [2, 5, 14, 3], [2, 9, 9, 13, 15, 3]]


def step(parts: list[list[int]], *, cached: bool) -> list[PairBatch]:
    """Three pairs, 0–3, 1–4 and 2–5, whose texts are encoded in some parts."""
    order = [text for part in parts for text in part]
    texts = StepTexts(
        back_N=torch.from_numpy(np.argsort(order)),
        query_B=torch.tensor([0, 1, 2]),
        second_B=torch.tensor([3, 4, 5]),
        candidate_C=torch.tensor([3, 4, 5]),
        own_B=torch.tensor([0, 1, 2]),
        known_BC=torch.eye(3, dtype=torch.bool),
    )
    passes = [make_batch([np.array(TEXTS[text], np.int32) for text in part], 0) for part in parts]
    return pair_batches(passes, texts, cached=cached)


def trained(start: Path, parts: list[list[int]], *, cached: bool, sizes: tuple[int, ...] = ()) -> tuple[float, dict]:
    """Return the loss of one step as the loop takes it, and the gradients of all weights."""
    torch.manual_seed(0)
    model = registry.create("head", "embedding").module(start).train()
    loss, batches = PairLoss(scale=20.0, symmetric=True, sizes=sizes), step(parts, cached=cached)
    total, summed = sum(batch.weight for batch in batches), 0.0
    assert total == sum(batch.num_rows for batch in batches) == 3
    for batch in batches:
        terms = loss(model, batch) / total
        terms.backward()
        summed += float(terms.detach())
    return summed, {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("sizes", [(), (32, 8)])
def test_cached_gradients_are_those_of_the_whole_step(tiny_start: Path, sizes: tuple[int, ...]):
    parts = [[5, 0], [2, 4], [1, 3]]
    whole, slopes = trained(tiny_start, parts, cached=False, sizes=sizes)
    again, cached = trained(tiny_start, parts, cached=True, sizes=sizes)
    assert again == pytest.approx(whole, rel=1e-5)
    assert slopes.keys() == cached.keys()
    for name, slope in slopes.items():
        torch.testing.assert_close(cached[name], slope, rtol=1e-4, atol=1e-6)


def test_parts_and_their_order_change_nothing(tiny_start: Path):
    torch.manual_seed(0)
    model = registry.create("head", "embedding").module(tiny_start).eval()
    loss = PairLoss(scale=20.0, symmetric=False, sizes=())
    values = [
        float(loss(model, batch).detach())
        for parts in ([[0, 1, 2, 3, 4, 5]], [[3, 5, 1], [0, 2, 4]])
        for batch in step(parts, cached=False)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-5)


def test_a_batch_of_another_kind_is_refused(tiny_start: Path):
    model = registry.create("head", "embedding").module(tiny_start)
    with pytest.raises(ValueError, match="steps over pairs"):
        PairLoss(scale=20.0, symmetric=False, sizes=())(model, make_batch([np.array([2, 3], np.int32)], 0))
