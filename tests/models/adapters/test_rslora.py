"""The layers that rslora puts into a model; what it shares with lora is tested there."""

from __future__ import annotations

from pathlib import Path

import torch

from oreline import registry
from oreline.models.adapting import encoder_of, put_on
from oreline.models.load import load_classifier


def test_an_oracle_gives_the_same_logits(tiny_start: Path) -> None:
    """W + alpha / √rank · B A, written out."""
    torch.manual_seed(0)
    model = load_classifier(tiny_start, 2, pooling="mean").eval()
    put_on(model, registry.create("adapter", "rslora", rank=2, alpha=6.0, targets=["query"]))
    plain = load_classifier(tiny_start, 2, pooling="mean").eval()
    plain.classifier.load_state_dict(model.classifier.state_dict())
    for number, layer in enumerate(encoder_of(model).encoder.layer):
        query = layer.attention.self.query
        torch.nn.init.normal_(query.lora_B["default"].weight)
        change = 6.0 / 2**0.5 * query.lora_B["default"].weight @ query.lora_A["default"].weight
        written = query.base_layer.weight + change
        plain.encoder.encoder.layer[number].attention.self.query.weight.data = written.detach()
    ids_BT = torch.tensor([[2, 7, 9, 3]])
    torch.testing.assert_close(model(input_ids=ids_BT).logits, plain(input_ids=ids_BT).logits)
