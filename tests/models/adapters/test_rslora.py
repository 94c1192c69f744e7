"""The layers that rslora puts into a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from oreline import registry
from oreline.errors import UsageError
from oreline.models.adapting import encoder_of, put_on
from oreline.models.injected import injected
from oreline.models.load import load_classifier


def test_rank_and_targets_decide_what_trains(tiny_start: Path) -> None:
    model = load_classifier(tiny_start, 2, pooling="mean")
    put_on(model, registry.create("adapter", "rslora", rank=2, targets=["query", "value"]))
    first = injected(encoder_of(model), "lora_A")
    assert len(first) == 4
    assert all(weight.shape == (2, 32) for weight in first.values())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rank": 33}, "rank is 33"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"targets": ["q_proj"]}, "no linear layer of the start model is named 'q_proj'"),
    ],
)
def test_wrong_options_are_refused(options: dict, said: str, tiny_start: Path) -> None:
    with pytest.raises(UsageError, match=said):
        put_on(load_classifier(tiny_start, 2, pooling="mean"), registry.create("adapter", "rslora", **options))
