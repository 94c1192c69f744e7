"""What makes an encoder fast must not change what it computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from oreline.models.attention import (
    QuickDropout,
    first_token_only,
    quick_dropout,
    set_dropout,
    short_attention,
    use_quick_dropout,
    use_short_attention,
)
from oreline.models.batch import make_batch
from oreline.models.load import load_classifier, load_encoder, load_seq2seq


def inputs(padded: bool):
    rows = [np.arange(2, 14, dtype=np.int32), np.arange(5, 12 if padded else 17, dtype=np.int32)]
    return make_batch(rows, 0).inputs()


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_short_attention_equals_transformers_eager_attention(tiny_start: Path, padded: bool, training: bool):
    plain, short = load_encoder(tiny_start), load_encoder(tiny_start)
    plain.set_attn_implementation("eager")
    use_short_attention(short)
    for model in (plain, short):
        model.train(training)
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
    given = inputs(padded)
    mask = given.get("attention_mask", torch.ones_like(given["input_ids"])).bool()
    torch.testing.assert_close(
        short(**given).last_hidden_state[mask], plain(**given).last_hidden_state[mask], atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize("num_tokens", [27, 70])  # below and above the length where the softmax widens
@pytest.mark.parametrize("masked", [True, False])
def test_attention_in_bf16_has_the_values_and_gradients_of_fp32_within_its_rounding(num_tokens: int, masked: bool):
    torch.manual_seed(0)
    heads = [torch.randn(3, 2, num_tokens, 16) for _ in range(3)]
    mask = (torch.arange(num_tokens) < num_tokens - 5).expand(3, 1, num_tokens, -1) if masked else None
    found = {}
    for dtype in (torch.float32, torch.bfloat16):
        given = [head.detach().to(dtype).requires_grad_() for head in heads]
        mixed, _ = short_attention(torch.nn.Module(), *given, mask)
        mixed.square().sum().backward()
        found[dtype] = [mixed, *(head.grad for head in given)]
    assert found[torch.bfloat16][0].dtype is torch.bfloat16
    for exact, rounded in zip(found[torch.float32], found[torch.bfloat16]):
        assert (rounded.float() - exact).norm() / exact.norm() < 0.02


@pytest.mark.parametrize("padded", [True, False])
def test_the_first_token_alone_gives_the_same_logits_and_gradients(tiny_start: Path, padded: bool):
    torch.manual_seed(0)
    whole = load_classifier(tiny_start, 2)
    part = load_classifier(tiny_start, 2)
    part.load_state_dict(whole.state_dict())
    use_short_attention(part)
    assert first_token_only(part)
    for model in (whole, part):
        model.eval()
        model(**inputs(padded)).logits.pow(2).sum().backward()
    torch.testing.assert_close(part(**inputs(padded)).logits, whole(**inputs(padded)).logits, atol=1e-5, rtol=1e-4)
    for name, parameter in whole.named_parameters():
        torch.testing.assert_close(dict(part.named_parameters())[name].grad, parameter.grad, atol=1e-5, rtol=1e-3)


def test_another_architecture_is_left_alone():
    assert not first_token_only(torch.nn.Linear(2, 2))


def test_quick_dropout_keeps_the_mean_and_drops_in_forward_and_backward_alike():
    torch.manual_seed(0)
    x = torch.ones(200, 500, requires_grad=True)
    dropped = quick_dropout(x, 0.2)
    assert float((dropped == 0).float().mean()) == pytest.approx(0.2, abs=0.01)
    assert float(dropped.detach().mean()) == pytest.approx(1.0, abs=0.01)
    dropped.sum().backward()
    assert torch.equal(x.grad, dropped.detach())
    assert quick_dropout(x, 0.0) is x


def test_dropouts_are_replaced_and_do_nothing_in_evaluation(tiny_start: Path):
    model = load_encoder(tiny_start)
    use_quick_dropout(model)
    found = [module for module in model.modules() if isinstance(module, torch.nn.Dropout)]
    assert found
    assert all(isinstance(module, QuickDropout) for module in found)
    found[0].eval()
    x = torch.ones(4, 4)
    assert found[0](x) is x


def test_rates_that_a_layer_keeps_as_a_number_are_set_too(tiny_bart: Path):
    model = load_seq2seq(tiny_bart)
    set_dropout(model, 0.25)
    assert model.model.decoder.layers[0].dropout == 0.25
    assert model.model.encoder.layers[0].self_attn.dropout == 0.25
