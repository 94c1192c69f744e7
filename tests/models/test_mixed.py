"""States carried in bf16 change nothing but their rounding, and nothing at all outside autocast."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from oreline.models.batch import Batch, make_batch
from oreline.models.load import load_classifier
from oreline.models.mixed import carry_bf16
from oreline.models.prefix import prefix_of


@pytest.fixture
def batch() -> Batch:
    return make_batch([np.arange(2, 14, dtype=np.int32), np.arange(5, 12, dtype=np.int32)], 0)


def pair(folder: Path, pooling: str):
    torch.manual_seed(0)
    plain = load_classifier(folder, 2, pooling=pooling).eval()
    carried = copy.deepcopy(plain)
    carry_bf16(carried)
    return plain, carried


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_logits_and_gradients_are_those_of_fp32_within_bf16(tiny_start: Path, batch: Batch, pooling: str):
    plain, carried = pair(tiny_start, pooling)
    exact = plain(**batch.inputs()).logits
    with torch.autocast("cpu", torch.bfloat16):
        rounded = carried(**batch.inputs()).logits.float()
    torch.testing.assert_close(rounded, exact, atol=0.02, rtol=0.02)
    for logits in (exact, rounded):
        logits.pow(2).sum().backward()
    for (name, one), (_, other) in zip(plain.named_parameters(), carried.named_parameters()):
        if one.grad is not None and one.grad.norm() > 1e-3:
            assert (one.grad - other.grad).norm() / one.grad.norm() < 0.1, name


def test_states_are_bf16_between_the_layers_and_fp32_above_them(tiny_start: Path, batch: Batch):
    _, carried = pair(tiny_start, "mean")
    seen: list[torch.dtype] = []
    for layer in carried.encoder.encoder.layer:
        layer.attention.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].dtype))
    with torch.autocast("cpu", torch.bfloat16):
        states = carried.encoder(**batch.inputs()).last_hidden_state
    assert set(seen) == {torch.bfloat16}
    assert states.dtype is torch.float32


def test_outside_autocast_nothing_changes(tiny_start: Path, batch: Batch):
    plain, carried = pair(tiny_start, "mean")
    assert torch.equal(plain(**batch.inputs()).logits, carried(**batch.inputs()).logits)


def test_states_kept_in_bf16_are_those_that_the_layers_would_have_passed_on(tiny_start: Path, batch: Batch):
    _, carried = pair(tiny_start, "mean")
    prefix = prefix_of(carried, 1)
    assert prefix is not None
    kept = prefix.states(batch, bf16=True).bfloat16().float()
    carried.eval()
    with torch.autocast("cpu", torch.bfloat16):
        whole = carried(**batch.inputs()).logits
        with prefix.left_out():
            from_kept = carried(**replace(batch, states_BTD=kept).inputs()).logits
    assert torch.equal(whole, from_kept)
