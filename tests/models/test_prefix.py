"""The lowest layers and the layers above them, one after the other, are the whole model."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from oreline.models.attention import use_quick_dropout
from oreline.models.batch import make_batch
from oreline.models.heads.sequence_classification import Head
from oreline.models.prefix import num_untrained, prefix_of, seen_layers

TINY = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}


def batch(padded: bool):
    rows = [np.arange(2, 14, dtype=np.int32), np.arange(5, 12 if padded else 17, dtype=np.int32)]
    segments = [np.arange(len(row), dtype=np.int32) // 6 for row in rows]
    return make_batch(rows, 0, segments=segments, targets=np.array([0, 1]))


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize(("pooling", "layers"), [("first", 1), ("mean", 1), ("mean", 2)])
def test_both_parts_together_are_the_model(tiny_start: Path, pooling: str, layers: int, padded: bool):
    head = Head(num_labels=2, pooling=pooling)
    model = head.module(tiny_start).eval()
    names = [name for name, _ in model.named_parameters()]
    prefix = prefix_of(model, layers)
    assert prefix is not None
    whole = head.tensors(model, batch(padded))
    given = replace(batch(padded), states_BTD=prefix.states(batch(padded)))
    with prefix.left_out():
        parts = head.tensors(model, given)
    for ours, theirs in zip(parts, whole):
        assert torch.equal(ours, theirs)
    assert [name for name, _ in model.named_parameters()] == names
    assert torch.equal(head.tensors(model, batch(padded))[0], whole[0])  # all is as it was


def test_the_gradients_are_those_of_the_whole_model(tiny_start: Path):
    head = Head(num_labels=2, pooling="mean")
    model = head.module(tiny_start).eval()
    prefix = prefix_of(model, 1)
    found = []
    for given in (False, True):
        model.zero_grad()
        if given:
            below = replace(batch(True), states_BTD=prefix.states(batch(True)))
            with prefix.left_out():
                head.loss(model, below).backward()
        else:
            head.loss(model, batch(True)).backward()
        found.append({n: p.grad for n, p in model.named_parameters() if ".layer.1." in n or "classifier" in n})
    assert len(found[0]) > 10
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient, atol=1e-6, rtol=1e-5)


def test_the_lowest_layers_drop_nothing_and_draw_no_random_numbers(tiny_start: Path):
    model = Head(num_labels=2, pooling="mean").module(tiny_start)
    use_quick_dropout(model)
    prefix = prefix_of(model.train(), 1)
    before = torch.get_rng_state()
    first, second = (prefix.states(batch(True)) for _ in range(2))
    assert torch.equal(first, second)
    assert not first.requires_grad
    assert torch.equal(torch.get_rng_state(), before)


def test_a_last_layer_for_the_first_token_is_no_part(tiny_start: Path):
    assert prefix_of(Head(num_labels=2, pooling="first").module(tiny_start), 2).num_layers == 1
    assert prefix_of(Head(num_labels=2, pooling="mean").module(tiny_start), 2).num_layers == 2


def test_a_failure_leaves_the_model_whole(tiny_start: Path):
    model = Head(num_labels=2, pooling="mean").module(tiny_start)
    prefix = prefix_of(model, 1)
    names = [name for name, _ in model.named_modules()]
    with pytest.raises(KeyError), prefix.left_out():
        raise KeyError
    assert [name for name, _ in model.named_modules()] == names


WIDE = {"d_model": 16, "d_ff": 32, "d_kv": 8, "num_heads": 2, "num_layers": 3}
CODING = {"encoder_layers": 3, "decoder_layers": 2, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
RELATIVE = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}
SPECIAL = {"bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2, "pad_token_id": 0}
LIKE_LLAMA = {**TINY, "num_key_value_heads": 1}
ARCHITECTURES = {
    "Roberta": {**TINY, "pad_token_id": 0},
    "Electra": {**TINY, "embedding_size": 8},
    "DistilBert": {"vocab_size": 40, "dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 32},
    "MPNet": TINY,
    "ModernBert": {**TINY, **SPECIAL, "local_attention": 4},
    "DebertaV2": {**TINY, **RELATIVE, "norm_rel_ebd": "layer_norm"},
    "GPT2": {"vocab_size": 40, "n_embd": 16, "n_layer": 3, "n_head": 2},
    "Llama": LIKE_LLAMA,
    "Qwen2": {**LIKE_LLAMA, "use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1},
    "Qwen3": LIKE_LLAMA,
    "Gemma2": {**LIKE_LLAMA, "head_dim": 8, "sliding_window": 4},
    "T5": {"vocab_size": 40, **WIDE, "decoder_start_token_id": 0},
    "UMT5": {"vocab_size": 40, **WIDE, "decoder_start_token_id": 0},
    "Bart": {"vocab_size": 40, "d_model": 16, **CODING, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32},
}


def made(kind: str, **changes):
    """Return a model of an architecture with random weights, without a head."""
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**{**ARCHITECTURES.get(kind, {}), **changes})
    return getattr(transformers, f"{kind}Model")(config).eval()


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_any_transformer_starts_above_its_lowest_layers(kind: str, layers: int):
    model = made(kind)
    prefix = prefix_of(model, layers)
    assert prefix.num_layers == layers
    plain = replace(batch(True), segments_BT=None)
    given = replace(plain, states_BTD=prefix.states(plain))
    decoded = {"decoder_input_ids": torch.tensor([[0, 4, 5], [0, 6, 7]])} if model.config.is_encoder_decoder else {}
    found, names = [], [name for name, _ in model.named_parameters()]
    for inputs, manner in ((plain, contextlib.nullcontext()), (given, prefix.left_out()), (plain, None)):
        with torch.no_grad(), manner or contextlib.nullcontext():
            found.append(model(**inputs.inputs(), **decoded)[0])
    assert torch.equal(found[1], found[0])
    assert torch.equal(found[2], found[0])
    assert [name for name, _ in model.named_parameters()] == names
    below = dict(prefix.tensors())
    assert not below  # all of it may train: nothing can be told to be fixed
    model.requires_grad_(False)
    assert any("embed" in name or "shared" in name or "wte" in name for name, _ in prefix.tensors())


def test_layers_that_cannot_be_left_out_are_none():
    sizes = {"vocab_size": 40, "d_model": 16, "n_layer": 3, "n_head": 2, "d_inner": 32}
    assert prefix_of(made("XLNet", **sizes), 1) is None
    assert prefix_of(made("XLM", vocab_size=40, emb_dim=16, n_layers=3, n_heads=2), 3) is None
    assert prefix_of(made("Albert", **TINY, embedding_size=16), 1) is None
    convolved = {**ARCHITECTURES["DebertaV2"], "conv_kernel_size": 3, "conv_act": "gelu"}
    assert prefix_of(made("DebertaV2", **convolved), 1) is None  # the convolution reads the embeddings
    assert prefix_of(made("Bart", encoder_layerdrop=0.5), 1) is None
    assert prefix_of(torch.nn.Linear(2, 2), 1) is None


def test_what_trains_is_read_from_what_layers_return(tiny_start: Path):
    model = Head(num_labels=2, pooling="mean").module(tiny_start)
    assert num_untrained(seen_layers(model)) == 0
    model.requires_grad_(False)
    assert num_untrained(seen_layers(model)) == 2
    [table, *_] = [module for module in model.modules() if isinstance(module, torch.nn.Embedding)]
    table.weight.requires_grad = True
    assert num_untrained(seen_layers(model)) == 0
    model.requires_grad_(False)
    model.encoder.encoder.layer[1].output.dense.bias.requires_grad = True
    assert num_untrained(seen_layers(model.train())) == 1
    assert all(module.training for module in model.modules())
