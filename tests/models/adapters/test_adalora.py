"""AdaLoRA: the budget is met, and what is switched off stays off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from oreline import registry
from oreline.errors import UsageError
from oreline.models.adapting import encoder_of, put_on
from oreline.models.batch import make_batch
from oreline.models.injected import injected

ROWS = [np.array([2, 7, 9, 11, 3], np.int32), np.array([2, 8, 3], np.int32)]


def test_the_ranks_fall_to_the_budget_and_stay(tiny_start: Path) -> None:
    torch.manual_seed(0)
    head = registry.create("head", "sequence_classification", num_labels=2, pooling="mean")
    model = head.module(tiny_start).eval()
    adapter = registry.create("adapter", "adalora", rank=2, initial_rank=4, targets="all")
    put_on(model, adapter)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    adapter.watch(model, optimizer, 20)
    batch = make_batch(ROWS, 0, targets=np.array([0, 1]))
    on = []
    for _ in range(20):
        (head.loss(model, batch) + adapter.penalty(model)).backward()
        optimizer.step()
        optimizer.zero_grad()
        on.append(sum(int((e != 0).sum()) for e in injected(encoder_of(model), "lora_E").values()))
    assert on[0] == 12 * 4
    assert sorted(on, reverse=True) == on
    assert on[-1] == on[14] == 12 * 2


def test_orthogonal_factors_cost_nothing(tiny_start: Path) -> None:
    head = registry.create("head", "sequence_classification", num_labels=2, pooling="mean")
    model = head.module(tiny_start)
    adapter = registry.create("adapter", "adalora")
    put_on(model, adapter)
    assert adapter.penalty(model).item() > 0.1
    for part in ("lora_A", "lora_B"):
        for factor in injected(encoder_of(model), part).values():
            torch.nn.init.orthogonal_(factor)
    assert adapter.penalty(model).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("options", [{"rank": 12}, {"rank": 0}, {"warmup": 0.8}, {"orthogonality": -1.0}])
def test_wrong_options_are_refused(options: dict) -> None:
    with pytest.raises(UsageError):
        registry.create("adapter", "adalora", **options)
