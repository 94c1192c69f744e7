"""The lowest layers and the layers above them, one after the other, are the whole model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    AlbertConfig,
    AlbertModel,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from oreline.models.attention import use_quick_dropout
from oreline.models.batch import make_batch
from oreline.models.heads.sequence_classification import Head
from oreline.models.prefix import prefix_of

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


def test_roberta_is_built_alike():
    torch.manual_seed(0)
    model = RobertaForSequenceClassification(RobertaConfig(**TINY, pad_token_id=0)).eval()
    prefix = prefix_of(model, 2)
    plain = replace(batch(True), segments_BT=None)
    given = replace(plain, states_BTD=prefix.states(plain))
    with prefix.left_out():
        logits_BK = model(**given.inputs()).logits
    assert torch.equal(logits_BK, model(**plain.inputs()).logits)


def test_other_architectures_have_none():
    assert (
        prefix_of(DistilBertModel(DistilBertConfig(vocab_size=40, dim=16, n_layers=2, n_heads=2, hidden_dim=32)), 1)
        is None
    )
    assert prefix_of(AlbertModel(AlbertConfig(**TINY, embedding_size=16)), 1) is None
    assert prefix_of(torch.nn.Linear(2, 2), 1) is None
    assert prefix_of(ElectraModel(ElectraConfig(**TINY, embedding_size=8)), 1) is None
    assert prefix_of(ElectraModel(ElectraConfig(**TINY, embedding_size=16)), 1) is not None
