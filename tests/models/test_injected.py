"""Layers of peft in place of a model's own."""

from __future__ import annotations

from pathlib import Path

import peft
import pytest

from oreline import registry
from oreline.errors import UsageError
from oreline.models.adapting import encoder_of
from oreline.models.injected import inject, injected, refuse_share
from oreline.models.load import load_classifier


def test_layers_are_put_around_the_models_own(tiny_start: Path) -> None:
    model = load_classifier(tiny_start, 2, pooling="first")
    own = encoder_of(model).encoder.layer[0].attention.self.query
    inject(model, peft.LoraConfig(r=2, target_modules=["query"]))
    assert encoder_of(model).encoder.layer[0].attention.self.query.base_layer is own
    assert len(injected(encoder_of(model), "lora_A")) == len(injected(encoder_of(model), "lora_B")) == 2
    assert injected(encoder_of(model), "lora_E") == {}


def test_lora_goes_where_it_is_told(tiny_start: Path) -> None:
    model = load_classifier(tiny_start, 2, pooling="first")
    registry.create("adapter", "lora", rank=3, targets=["intermediate.dense"]).apply(model)
    assert [tuple(weight.shape) for weight in injected(encoder_of(model), "lora_B").values()] == [(64, 3), (64, 3)]


@pytest.mark.parametrize("value", [-0.1, 1.0, "much"])
def test_a_share_is_below_one(value: object) -> None:
    refuse_share("dropout", 0.0)
    with pytest.raises(UsageError, match="dropout is"):
        refuse_share("dropout", value)
