"""Which parameters share a rate and a decay, on the architectures that differ in their modules' names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import (
    AlbertConfig,
    AlbertForSequenceClassification,
    DebertaV2Config,
    DebertaV2ForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    ModernBertConfig,
    ModernBertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
    XLMConfig,
    XLMForSequenceClassification,
)

from oreline import registry
from oreline.errors import UsageError
from oreline.models.load import load_classifier, load_masked
from oreline.train.multitask import share_encoder
from oreline.train.optimizers.groups import decouple, depths, hidden_matrices, parameter_groups, refuse_outside

SMALL = {"vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
EMBEDDINGS = 4


def found(model: nn.Module) -> dict[str, int]:
    """Return the depth of each module that lies outside the layers, and of each layer."""
    return {name.rsplit(".", 1)[0]: depth for name, depth in depths(model).items()}


@pytest.mark.parametrize(
    ("model", "config", "layers", "others"),
    [
        (RobertaForSequenceClassification, RobertaConfig(**SMALL), "roberta.encoder.layer", {"classifier.dense": 0}),
        (
            DistilBertForSequenceClassification,
            DistilBertConfig(vocab_size=60, dim=16, n_layers=3, n_heads=2, hidden_dim=32),
            "distilbert.transformer.layer",
            {"pre_classifier": 0, "classifier": 0, "distilbert.embeddings.position_embeddings": EMBEDDINGS},
        ),
        (
            ElectraForSequenceClassification,
            ElectraConfig(embedding_size=8, **SMALL),
            "electra.encoder.layer",
            {"electra.embeddings_project": EMBEDDINGS, "classifier.dense": 0, "classifier.out_proj": 0},
        ),
        (
            DebertaV2ForSequenceClassification,
            DebertaV2Config(relative_attention=True, pos_att_type=["p2c", "c2p"], **SMALL),
            "deberta.encoder.layer",
            {"deberta.encoder.rel_embeddings": EMBEDDINGS, "pooler.dense": 0, "classifier": 0},
        ),
        (
            ModernBertForSequenceClassification,
            ModernBertConfig(pad_token_id=0, **SMALL),
            "model.layers",
            {"model.embeddings.norm": EMBEDDINGS, "model.final_norm": 0, "head.dense": 0, "classifier": 0},
        ),
        (
            XLMForSequenceClassification,
            XLMConfig(vocab_size=60, emb_dim=16, n_layers=3, n_heads=2),
            "transformer.ffns",
            {"transformer.layer_norm_emb": EMBEDDINGS, "sequence_summary.summary": 0},
        ),
    ],
    ids=lambda value: value.__name__.removesuffix("ForSequenceClassification") if isinstance(value, type) else "",
)
def test_the_layers_are_found_whatever_they_are_called(model: Any, config: Any, layers: str, others: dict[str, int]):
    built = model(config)
    places = found(built)
    assert {name: places[name] for name in others} == others
    tables = [name for name, module in built.named_modules() if isinstance(module, nn.Embedding)]
    assert {places[name] for name in tables} == {EMBEDDINGS}
    for number, depth in enumerate((3, 2, 1)):
        inside = {d for name, d in places.items() if name.startswith(f"{layers}.{number}.")}
        assert inside == {depth}, number


def test_layers_that_share_their_weights_are_one():
    model = AlbertForSequenceClassification(AlbertConfig(embedding_size=8, num_hidden_groups=1, **SMALL))
    places = found(model)
    assert places["albert.encoder.embedding_hidden_mapping_in"] == 2
    assert places["albert.encoder.albert_layer_groups.0.albert_layers.0.ffn"] == 1
    assert places["classifier"] == 0


def test_a_pooled_classifier_and_a_masked_model_have_them_too(tiny_start: Path):
    pooled = found(load_classifier(tiny_start, 2, pooling="mean"))
    assert pooled["classifier"] == 0
    assert pooled["encoder.encoder.layer.1.output.dense"] == 1
    assert pooled["encoder.embeddings.word_embeddings"] == 3
    masked = depths(load_masked(tiny_start))
    assert masked["bert.embeddings.word_embeddings.weight"] == 3  # also the output layer's matrix, which is tied to it
    assert masked["cls.predictions.transform.dense.weight"] == 0


def test_groups_by_hand(tiny_start: Path):
    model = load_classifier(tiny_start, 2, pooling="first")
    model.bert.encoder.layer[0].requires_grad_(False)
    groups = parameter_groups(model, learning_rate=0.1, weight_decay=0.5, layer_decay=0.5)
    assert [(group["scale"], group["weight_decay"]) for group in groups] == [
        (1.0, 0.5), (1.0, 0.0), (0.5, 0.5), (0.5, 0.0), (0.125, 0.5), (0.125, 0.0),  # the bottom layer is frozen
    ]  # fmt: skip
    assert [group["lr"] for group in groups] == [0.1 * group["scale"] for group in groups]
    assert sum(len(group["params"]) for group in groups) == sum(p.requires_grad for p in model.parameters())
    assert groups[0]["params"] == [model.bert.pooler.dense.weight, model.classifier.weight]
    assert all((p.ndim >= 2) == (group["weight_decay"] > 0) for group in groups for p in group["params"])
    plain = parameter_groups(model, learning_rate=0.1, weight_decay=0.5)
    assert [(group["scale"], group["weight_decay"]) for group in plain] == [(1.0, 0.5), (1.0, 0.0)]


def test_a_layer_decay_without_layers_is_refused():
    with pytest.raises(UsageError, match=r"layer_decay is 0\.9, and Linear has no list of layers"):
        parameter_groups(nn.Linear(2, 2), learning_rate=0.1, weight_decay=0.0, layer_decay=0.9)


def test_hidden_matrices_are_those_inside_the_layers(tiny_start: Path):
    model = load_classifier(tiny_start, 2, pooling="first")
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    chosen = [names[id(parameter)] for parameter in hidden_matrices(model)]
    assert len(chosen) == 12  # of each of two layers: query, key, value, output, and two of the feed-forward part
    assert all(".layer." in name and "LayerNorm" not in name for name in chosen)
    plain = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    assert [id(p) for p in hidden_matrices(plain)] == [id(plain[1].weight), id(plain[3].weight)]


def test_a_decoupled_decay_is_apart_from_the_momentum():
    weights = [nn.Parameter(torch.full((2, 2), 3.0)) for _ in range(2)]
    optimizer = decouple(torch.optim.SGD([{"params": weights, "weight_decay": 0.1}], lr=0.5, momentum=0.9))
    for _ in range(3):
        weights[0].grad = torch.zeros(2, 2)
        optimizer.step()
    torch.testing.assert_close(weights[0].detach(), torch.full((2, 2), 3.0 * 0.95**3))
    assert torch.equal(weights[1], torch.full((2, 2), 3.0))  # no gradient, no decay
    assert not optimizer.state[weights[0]]["momentum_buffer"].any()


@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan"), "0.5", None])
def test_options_outside_their_range_are_refused(value: Any):
    with pytest.raises(UsageError, match="lion: beta1 is"):
        refuse_outside("lion", 0, 1, beta1=value)
    refuse_outside("lion", 0, 1, beta1=0.0, beta2=0.999)


def test_more_tasks_than_layers_are_not_taken_for_layers(tiny_start: Path) -> None:
    """Several tasks' models around one encoder are a list of modules, longer than that of its two layers."""
    models = [registry.create("head", "sequence_classification", num_labels=2, pooling="mean") for _ in range(5)]
    shared = share_encoder([head.module(tiny_start) for head in models])
    alone = registry.create("head", "sequence_classification", num_labels=2, pooling="mean").module(tiny_start)
    assert [tuple(matrix.shape) for matrix in hidden_matrices(shared)] == [
        tuple(matrix.shape) for matrix in hidden_matrices(alone)
    ]
    assert {
        name.removeprefix("0."): depth for name, depth in depths(shared).items() if name.startswith("0.")
    } == depths(alone)
    assert depths(shared)["4.classifier.weight"] == 0
