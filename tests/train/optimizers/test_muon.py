"""Muon and AdamW as one optimizer, against torch's own two."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import oreline as ore
from oreline.errors import UsageError
from oreline.models.load import load_classifier
from oreline.train.optimizers.muon import Optimizer
from oreline.train.resources import update_s
from oreline.types import Event


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


def test_an_update_is_foretold_by_the_matrices_it_orthogonalises(tiny_start: Path, monkeypatch: pytest.MonkeyPatch):
    """On a clock that goes by the operations of the iterations: 20 m²n + 10 m³ for each matrix, AdamW's none."""
    clock, plain = [0.0], torch.optim.Muon.step

    def counted(optimizer: torch.optim.Muon, closure: None = None) -> None:
        for group in optimizer.param_groups:
            for matrix in group["params"]:
                m, n = sorted(matrix.shape)
                clock[0] += 20 * m * m * n + 10 * m**3
        plain(optimizer, closure)

    monkeypatch.setattr(torch.optim.Muon, "step", counted)
    monkeypatch.setattr("oreline.train.optimizers.muon.time.perf_counter", lambda: clock[0])
    model = load_classifier(tiny_start, 2, pooling="first")
    optimizer = Optimizer().build(model, learning_rate=1e-3, weight_decay=0.1)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    state = torch.get_rng_state()
    foretold = update_s(optimizer)
    assert not optimizer.state
    assert all(torch.equal(weight, before[name]) for name, weight in model.named_parameters())
    assert torch.equal(torch.get_rng_state(), state)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    clock[0] = 0.0
    optimizer.step()
    assert foretold == pytest.approx(clock[0])
    assert foretold > 0
    assert update_s(torch.optim.AdamW(model.parameters())) == 0.0


def test_a_model_without_hidden_matrices_has_no_such_work():
    assert update_s(Optimizer().build(nn.LayerNorm(4), learning_rate=0.1, weight_decay=0.0)) == 0.0


def test_training_is_foretold_with_it(tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Every way of training says what Muon adds; a fifth of an hour a step stands out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("oreline.train.optimizers.muon.Joined.update_s", lambda _: 720.0)
    texts = [f"a {'great' if number % 2 else 'dull'} film number {number}" for number in range(24)]
    rows = {"text": texts, "label": ["good" if number % 2 else "bad" for number in range(24)]}
    pairs = {"text": texts, "text_pair": texts[::-1]}
    train = {"optimizer": "muon", "threads": 1, "epochs": 1, "minutes": 30.0}
    tasks = {"one": {"data": rows}, "other": {"data": rows}}
    ways: dict[str, Callable[..., Any]] = {
        "full": lambda **given: ore.finetune(tiny_start, rows, method="full", **given),
        "contrastive": lambda **given: ore.finetune(tiny_start, rows, method="contrastive", **given),
        "pairs": lambda **given: ore.finetune(tiny_start, pairs, task="embedding", **given),
        "multitask": lambda **given: ore.multitask(tasks, start=tiny_start, alone=False, **given),
        "pretrain": lambda **given: ore.pretrain({"text": texts * 40}, start=tiny_start, **given),
    }
    for name, way in ways.items():
        seen: list[Event] = []

        def stop(event: Event, seen: list[Event] = seen) -> None:
            if event.stage == "forecast":
                seen.append(event)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            way(train=train, out=tmp_path / name, on_event=stop)
        values = seen[0].values
        assert values["steps"] <= 2, name
        assert 720 * values["steps"] < values["whole_s"] < 720 * values["steps"] + 300, name
