"""Gradient checkpointing: the same gradients, with dropout, with adapters, above frozen layers; fewer activations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oreline import registry
from oreline.errors import UsageError
from oreline.models.adapting import put_on
from oreline.models.attention import use_quick_dropout
from oreline.models.batch import Batch, make_batch
from oreline.models.checkpointing import is_checkpointed, use_checkpointing
from oreline.models.heads.sequence_classification import Head


def batch() -> Batch:
    rows = [np.arange(2, 2 + tokens, dtype=np.int32) for tokens in (9, 5, 7)]
    return make_batch(rows, 0, targets=np.array([0, 1, 0]))


def gradients(
    start: Path, *, checkpointed: bool, pooling: str = "mean", adapter: str | None = None, frozen: int = 0
) -> tuple[float, dict[str, Any], int]:
    """Return loss, gradients by name, and how often a layer was computed."""
    torch.manual_seed(0)
    head = Head(num_labels=2, pooling=pooling)
    model = head.module(start)
    if adapter is not None:
        put_on(model, registry.create("adapter", adapter))
    use_quick_dropout(model)
    for name, parameter in model.named_parameters():
        if "embeddings" in name or any(f"layer.{number}." in name for number in range(frozen)):
            parameter.requires_grad_(parameter.requires_grad and not frozen)
    if checkpointed:
        use_checkpointing(model)
    assert is_checkpointed(model) == checkpointed
    computed: list[int] = []
    for module in model.modules():
        if type(module).__name__ == "BertIntermediate":
            module.register_forward_hook(lambda *_: computed.append(1))
    torch.manual_seed(1)
    loss = head.loss(model.train(), batch())
    loss.backward()
    found = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    return float(loss.detach()), found, len(computed)


@pytest.mark.parametrize("pooling", ["mean", "first"])
@pytest.mark.parametrize("adapter", [None, "lora", "bottleneck", "prefix_tuning", "prompt_tuning", "ia3"])
def test_gradients_are_the_same_bits(adapter: str | None, pooling: str, tiny_start: Path):
    plain = gradients(tiny_start, checkpointed=False, adapter=adapter, pooling=pooling)
    again = gradients(tiny_start, checkpointed=True, adapter=adapter, pooling=pooling)
    assert plain[0] == again[0]
    assert plain[1].keys() == again[1].keys()
    assert all(torch.equal(plain[1][name], again[1][name]) for name in plain[1])
    assert again[2] > plain[2]


def test_above_a_frozen_layer(tiny_start: Path):
    plain = gradients(tiny_start, checkpointed=False, frozen=1)
    again = gradients(tiny_start, checkpointed=True, frozen=1)
    assert plain[1].keys() == again[1].keys()
    assert all(torch.equal(plain[1][name], again[1][name]) for name in plain[1])


def test_fewer_activations_are_kept(tiny_start: Path):
    kept = []
    for checkpointed in (False, True):
        head = Head(num_labels=2, pooling="mean")
        model = head.module(tiny_start).train()
        if checkpointed:
            use_checkpointing(model)
        sizes: list[int] = []

        def pack(tensor: torch.Tensor, sizes: list[int] = sizes) -> torch.Tensor:
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            head.loss(model, batch())
        kept.append(sum(sizes))
    assert kept[1] < 0.5 * kept[0]


def test_a_model_without_such_layers_is_refused():
    with pytest.raises(UsageError, match="Linear has no layers"):
        use_checkpointing(torch.nn.Linear(2, 2))
