"""Bottleneck adapters begin as nothing, and count as the paper counts them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from oreline import registry
from oreline.errors import UsageError
from oreline.models.adapters.bottleneck import Bottleneck
from oreline.models.adapting import encoder_of, num_trained, put_on
from oreline.models.load import load_classifier


def test_a_new_one_changes_nothing_and_a_trained_one_adds_its_network() -> None:
    torch.manual_seed(0)
    layer, inputs_BD = torch.nn.Linear(6, 4), torch.randn(3, 6)
    adapted = Bottleneck(layer, 2)
    assert torch.equal(adapted(inputs_BD), layer(inputs_BD))
    torch.nn.init.normal_(adapted.up.weight)
    inner_BD = layer(inputs_BD)
    gelu_BD = torch.nn.functional.gelu(inner_BD @ adapted.down.weight.T)
    torch.testing.assert_close(adapted(inputs_BD), inner_BD + gelu_BD @ adapted.up.weight.T)


def test_two_a_layer_and_a_width_that_fits(tiny_start: Path) -> None:
    model = load_classifier(tiny_start, 2, pooling="mean")
    put_on(model, registry.create("adapter", "bottleneck", width=8))
    assert sum(isinstance(module, Bottleneck) for module in encoder_of(model).modules()) == 4
    assert num_trained(model)[0] == 4 * (2 * 32 * 8 + 8 + 32) + 2 * 32 + 2
    with pytest.raises(UsageError, match="width is 33"):
        put_on(load_classifier(tiny_start, 2, pooling="mean"), registry.create("adapter", "bottleneck", width=33))
