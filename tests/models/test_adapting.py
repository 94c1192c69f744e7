"""Where adapters go: linear layers by name, and what is said when there are none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import DistilBertConfig, DistilBertModel, T5ForConditionalGeneration

from oreline import registry
from oreline.errors import UsageError
from oreline.models.adapting import (
    ATTENTION_OUTPUTS,
    FEED_FORWARD_OUTPUTS,
    KEYS,
    VALUES,
    adapter_of,
    encoder_of,
    fold,
    known_parts,
    linear_layers,
    merge,
    num_trained,
    put_on,
    refuse_unmergeable,
    refuse_wide,
    targeted,
)
from oreline.models.load import load_classifier, load_encoder, save_encoder


@pytest.fixture
def encoder(tiny_start: Path):
    return load_encoder(tiny_start)


def test_linear_layers_are_those_inside_the_layers(encoder) -> None:
    found = linear_layers(encoder)
    assert len(found) == 12
    assert found["encoder.layer.1.attention.self.query"] == "attention.self.query"
    assert not any("pooler" in name for name in found)


@pytest.mark.parametrize(
    ("targets", "number"),
    [
        ("all", 12),
        ("query_value", 4),
        (["query", "value"], 4),
        ("output.dense", 2),  # that of the feed-forward part, which is called so in its layer
        ("*output.dense", 4),
        ("attention.*", 8),
        (["encoder.layer.1.*"], 6),
        (["query", "query"], 2),
    ],
)
def test_targets_are_names_or_patterns(targets, number: int, encoder) -> None:
    assert len(targeted(encoder, targets)) == number


def test_a_target_that_names_nothing_is_refused_with_those_there_are(encoder) -> None:
    with pytest.raises(UsageError, match="named 'q_proj'") as caught:
        targeted(encoder, ["query", "q_proj"])
    assert "attention.self.query" in caught.value.allowed


def test_layers_are_counted_where_they_number_their_own_parts(tiny_t5: Path) -> None:
    model = T5ForConditionalGeneration.from_pretrained(tiny_t5)  # two blocks, which call their three parts layers
    upper = targeted(model, "query_value", [-1])
    assert upper == targeted(model, "query_value", [1])
    assert {name.split(".layer.")[0] for name in upper} == {"encoder.block.1", "decoder.block.1"}
    with pytest.raises(UsageError, match="the start model has 2 layers"):
        targeted(model, "query_value", [2])


def test_parts_are_known_by_the_architectures_names(encoder) -> None:
    parts = known_parts(encoder, KEYS, VALUES, ATTENTION_OUTPUTS, FEED_FORWARD_OUTPUTS)
    assert [len(part) for part in parts] == [2, 2, 2, 2]
    config = DistilBertConfig(vocab_size=50, dim=32, n_layers=2, n_heads=4, hidden_dim=64)
    others = known_parts(DistilBertModel(config), KEYS, VALUES, ATTENTION_OUTPUTS, FEED_FORWARD_OUTPUTS)
    assert [len(part) for part in others] == [2, 2, 2, 2]
    with pytest.raises(UsageError, match="has none of the layers"):
        known_parts(torch.nn.Sequential(torch.nn.Linear(2, 2)), KEYS)


def test_a_rank_above_the_width_is_refused(encoder) -> None:
    names = targeted(encoder, "query")
    refuse_wide(encoder, names, "rank", 32)
    for rank in (0, 33):
        with pytest.raises(UsageError, match=f"rank is {rank}, and the layer .*query is 32 wide"):
            refuse_wide(encoder, names, "rank", rank)


def test_a_pooler_that_the_start_lacks_trains_with_the_head(tiny_start: Path, tmp_path: Path) -> None:
    whole = load_classifier(tiny_start, 2, pooling="first")
    put_on(whole, registry.create("adapter", "lora"))
    assert not any(p.requires_grad for name, p in whole.named_parameters() if "pooler" in name)
    encoder = load_encoder(tiny_start)
    encoder.pooler = None
    save_encoder(encoder, tmp_path)
    (tmp_path / "tokenizer.json").write_bytes((tiny_start / "tokenizer.json").read_bytes())
    lacking = load_classifier(tmp_path, 2, pooling="first")
    put_on(lacking, registry.create("adapter", "lora"))
    assert all(p.requires_grad for name, p in lacking.named_parameters() if "pooler" in name)


def test_a_folded_model_is_plain_again(tiny_start: Path) -> None:
    model = load_classifier(tiny_start, 2, pooling="mean")
    names = list(model.state_dict())
    put_on(model, registry.create("adapter", "lora"))
    assert adapter_of(model) is not None
    few, whole = num_trained(model)
    assert few < whole
    fold(model)
    assert adapter_of(model) is None
    assert list(model.state_dict()) == names
    assert num_trained(model)[0] == num_trained(model)[1]
    assert not hasattr(encoder_of(model), "peft_config")


def test_what_cannot_be_merged_is_named() -> None:
    refuse_unmergeable("lora")
    with pytest.raises(UsageError, match="'bottleneck' cannot be merged") as caught:
        refuse_unmergeable("bottleneck")
    assert "lora" in caught.value.allowed


def test_a_model_without_an_adapter_cannot_be_merged(tiny_start: Path) -> None:
    with pytest.raises(UsageError, match="no adapter"):
        merge(load_classifier(tiny_start, 2, pooling="mean"))
