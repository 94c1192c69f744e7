"""What prompt_tuning trains, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from oreline import registry
from oreline.errors import UsageError
from oreline.models.adapting import put_on
from oreline.models.load import load_classifier

WEIGHTS_OF_A_TOKEN = 32


def test_the_number_of_tokens_decides_what_trains(tiny_start: Path) -> None:
    sizes = []
    for num_tokens in (1, 2, 3):
        model = load_classifier(tiny_start, 2, pooling="mean")
        put_on(model, registry.create("adapter", "prompt_tuning", num_tokens=num_tokens))
        sizes.append(sum(p.numel() for name, p in model.named_parameters() if p.requires_grad))
    assert sizes[1] - sizes[0] == sizes[2] - sizes[1] == WEIGHTS_OF_A_TOKEN


def test_the_encoder_gives_back_the_texts_own_tokens(tiny_start: Path) -> None:
    model = load_classifier(tiny_start, 2, pooling="mean").eval()
    put_on(model, registry.create("adapter", "prompt_tuning"))
    hidden_BTD = model.encoder(input_ids=torch.tensor([[2, 7, 9, 3]])).last_hidden_state
    assert hidden_BTD.shape == (1, 4, 32)


def test_no_token_is_refused() -> None:
    with pytest.raises(UsageError, match="num_tokens is 0"):
        registry.create("adapter", "prompt_tuning", num_tokens=0)
