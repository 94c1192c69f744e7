"""Adapters on disk: opened with their base, and nothing that does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from oreline import registry
from oreline.errors import ArtifactError, UsageError
from oreline.models.adapted import WEIGHTS, open_classifier, save_adapter
from oreline.models.adapting import adapter_of, put_on
from oreline.models.base import describe_base
from oreline.models.load import load_classifier, load_encoder


@pytest.fixture
def folder(tiny_start: Path, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = load_classifier(tiny_start, 3, pooling="mean")
    put_on(model, registry.create("adapter", "lora", rank=2))
    save_adapter(model, tmp_path, adapter="lora", options={"rank": 2}, base=describe_base(tiny_start))
    return tmp_path


def test_a_whole_model_is_opened_as_it_is(tiny_start: Path) -> None:
    assert adapter_of(open_classifier(tiny_start, 2, pooling="mean")) is None


def test_a_head_over_other_labels_is_new(folder: Path) -> None:
    assert adapter_of(open_classifier(folder, 3)).rank == 2
    assert open_classifier(folder, 5).classifier.weight.shape == (5, 32)


def test_another_pooling_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="pooling is 'first'"):
        open_classifier(folder, 3, pooling="first")


def test_weights_that_do_not_fit_are_refused(folder: Path) -> None:
    saved = load_file(folder / WEIGHTS)
    name = next(name for name in saved if "lora_A" in name)
    save_file({**saved, name: torch.zeros(5, 5)}, folder / WEIGHTS)
    with pytest.raises(ArtifactError, match="another shape"):
        open_classifier(folder, 3)
    del saved[name]
    save_file(saved, folder / WEIGHTS)
    with pytest.raises(ArtifactError, match="of another model"):
        open_classifier(folder, 3)
    (folder / WEIGHTS).write_bytes(b"x" * 40)
    with pytest.raises(ArtifactError, match="cannot be opened"):
        open_classifier(folder, 3)


def test_it_is_no_start_for_what_needs_a_whole_model(folder: Path) -> None:
    with pytest.raises(ArtifactError, match="this is an adapter") as caught:
        load_encoder(folder)
    assert "oreline merge" in caught.value.remedy


def test_an_adapter_of_a_model_that_writes_opens_on_one(tiny_t5: Path, tmp_path: Path):
    torch.manual_seed(0)
    model = open_classifier(tiny_t5, 1, pooling="seq2seq")
    put_on(model, registry.create("adapter", "lora", rank=2))
    save_adapter(model, tmp_path, adapter="lora", options={"rank": 2}, base=describe_base(tiny_t5))
    again = open_classifier(tmp_path, 1, pooling="seq2seq")
    ids = torch.tensor([[9, 8, 1]])
    torch.testing.assert_close(
        again.eval()(input_ids=ids, decoder_input_ids=ids).logits,
        model.eval()(input_ids=ids, decoder_input_ids=ids).logits,
    )
