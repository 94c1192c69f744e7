"""OFT rotates inputs: weights keep the lengths of their rows."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from oreline import registry
from oreline.errors import UsageError
from oreline.models.adapting import encoder_of, fold, put_on
from oreline.models.load import load_classifier


def test_a_merged_rotation_keeps_the_lengths_of_rows(tiny_start: Path) -> None:
    torch.manual_seed(0)
    model = load_classifier(tiny_start, 2, pooling="mean")
    before = encoder_of(model).encoder.layer[0].attention.self.query.weight.detach().clone()
    put_on(model, registry.create("adapter", "oft", block=8, targets="query"))
    for parameter in encoder_of(model).parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.3)
    fold(model)
    after = encoder_of(model).encoder.layer[0].attention.self.query.weight.detach()
    assert not torch.allclose(after, before, atol=0.01)
    torch.testing.assert_close(after.norm(dim=1), before.norm(dim=1), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("block", [1, 5, 64])
def test_a_block_that_does_not_divide_the_width_is_refused(block: int, tiny_start: Path) -> None:
    with pytest.raises(UsageError, match=f"block is {block}"):
        put_on(load_classifier(tiny_start, 2, pooling="mean"), registry.create("adapter", "oft", block=block))
