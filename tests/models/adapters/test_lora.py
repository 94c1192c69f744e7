"""The layers that lora puts into a model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from oreline import registry
from oreline.errors import UsageError
from oreline.models.adapting import encoder_of, put_on
from oreline.models.injected import injected
from oreline.models.load import load_classifier


def test_rank_and_targets_decide_what_trains(tiny_start: Path) -> None:
    model = load_classifier(tiny_start, 2, pooling="mean")
    put_on(model, registry.create("adapter", "lora", rank=2, targets=["query", "value"]))
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
        put_on(load_classifier(tiny_start, 2, pooling="mean"), registry.create("adapter", "lora", **options))


def test_an_oracle_gives_the_same_logits(tiny_start: Path) -> None:
    """W + alpha / rank · B A, written out."""
    torch.manual_seed(0)
    model = load_classifier(tiny_start, 2, pooling="mean").eval()
    put_on(model, registry.create("adapter", "lora", rank=2, alpha=6.0, targets=["query"]))
    plain = load_classifier(tiny_start, 2, pooling="mean").eval()
    plain.classifier.load_state_dict(model.classifier.state_dict())
    for number, layer in enumerate(encoder_of(model).encoder.layer):
        query = layer.attention.self.query
        torch.nn.init.normal_(query.lora_B["default"].weight)
        change = 3.0 * query.lora_B["default"].weight @ query.lora_A["default"].weight
        plain.encoder.encoder.layer[number].attention.self.query.weight.data += change.detach()
    ids_BT = torch.tensor([[2, 7, 9, 3]])
    torch.testing.assert_close(model(input_ids=ids_BT).logits, plain(input_ids=ids_BT).logits)
