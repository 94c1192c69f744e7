"""Muon and AdamW as one optimizer, against torch's own two."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from oreline.errors import UsageError
from oreline.models.load import load_classifier
from oreline.train.optimizers.muon import Optimizer


def test_each_part_moves_as_torchs_own(tiny_start: Path):
    torch.manual_seed(0)
    ours = load_classifier(tiny_start, 2, pooling="first").eval()
    ours.bert.encoder.layer[0].output.requires_grad_(False)
    theirs = copy.deepcopy(ours)
    mine = Optimizer(momentum=0.9, ns_steps=4).build(ours, learning_rate=1e-3, weight_decay=0.1)
    trained = [(name, p) for name, p in theirs.named_parameters() if p.requires_grad]
    hidden = [p for name, p in trained if ".layer." in name and p.ndim == 2]
    muon = torch.optim.Muon(hidden, lr=1e-3, weight_decay=0.1, momentum=0.9, ns_steps=4, adjust_lr_fn="match_rms_adamw")
    matrices = [p for name, p in trained if ".layer." not in name and p.ndim == 2]
    vectors = [p for _, p in trained if p.ndim == 1]
    groups = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
    adamw = torch.optim.AdamW(groups, lr=1e-3, weight_decay=0.1, fused=True)
    ids_BT = torch.tensor([[2, 7, 9, 3], [2, 8, 11, 3]])
    for _ in range(4):
        for model, optimizers in ((ours, [mine]), (theirs, [muon, adamw])):
            loss = nn.functional.cross_entropy(model(input_ids=ids_BT).logits, torch.tensor([0, 1]))
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
            model.zero_grad()
    for name, parameter in ours.named_parameters():
        assert torch.equal(parameter, theirs.get_parameter(name)), name
    assert len(mine.state) == len(trained)


def test_a_step_has_equal_singular_values_and_an_adamw_steps_size():
    torch.manual_seed(0)
    model = nn.Linear(48, 32, bias=False)
    before = model.weight.detach().clone()
    optimizer = Optimizer().build(model, learning_rate=0.1, weight_decay=0.0)
    model.weight.grad = torch.randn(32, 48)
    optimizer.step()
    moved = (before - model.weight.detach()) / 0.1
    values = torch.linalg.svdvals(moved) / (0.2 * 48**0.5)
    assert values.min() > 0.5
    assert values.max() < 1.3
    assert moved.square().mean().sqrt() == pytest.approx(0.2, rel=0.2)  # AdamW's root mean square, by Liu et al.


@pytest.mark.parametrize("model", [nn.Linear(4, 4, bias=False), nn.LayerNorm(4)])
def test_one_of_the_parts_may_be_empty(model: nn.Module):
    optimizer = Optimizer().build(model, learning_rate=0.1, weight_decay=0.0)
    before = model.weight.detach().clone()
    model(torch.randn(3, 4)).pow(2).sum().backward()
    optimizer.step()
    assert not torch.equal(model.weight, before)


def test_a_torch_without_it_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(UsageError, match=r"muon needs torch 2\.9"):
        Optimizer()


def test_a_wrong_number_of_iterations_is_refused():
    with pytest.raises(UsageError, match="muon: ns_steps is 0"):
        Optimizer(ns_steps=0)
