"""A start model of the wrong kind is refused by its configuration, with what to take instead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import transformers

from oreline.errors import ArtifactError
from oreline.models.kinds import refuse_no_encoder
from oreline.models.load import load_classifier, load_encoder, load_masked

SMALL = {"num_hidden_layers": 1, "hidden_size": 8, "num_attention_heads": 1, "intermediate_size": 8}
OTHERS = {
    "gpt2": (transformers.GPT2Config(n_layer=1), "a causal language model", "chat"),
    "llama": (transformers.LlamaConfig(**SMALL), "a causal language model", "chat"),
    "t5": (transformers.T5Config(num_layers=1), "an encoder with a decoder", "seq2seq"),
    "bart": (transformers.BartConfig(), "an encoder with a decoder", "seq2seq"),
    "vit": (transformers.ViTConfig(**SMALL), "a model of images", ""),
    "wav2vec2": (transformers.Wav2Vec2Config(**SMALL), "a model of sound", ""),
    "a BERT that decodes": (transformers.BertConfig(is_decoder=True), "a causal language model", "chat"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_text_encoder_is_refused_before_its_weights_are_read(name: str, tmp_path: Path):
    config, said, task = OTHERS[name]
    config.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"never read")
    for opened in (load_encoder, load_masked, lambda folder: load_classifier(folder, 2)):
        with pytest.raises(ArtifactError, match=said) as told:
            opened(tmp_path)
        assert task in told.value.remedy
        assert "catalog:minilm-l6-en" in told.value.remedy


@pytest.mark.parametrize("name", ["Bert", "Roberta", "Electra", "DistilBert", "ModernBert", "DebertaV2", "MPNet"])
def test_encoders_pass(name: str, tmp_path: Path):
    getattr(transformers, f"{name}Config")().save_pretrained(tmp_path)
    refuse_no_encoder(tmp_path)


def test_a_folder_without_a_configuration_is_left_to_others(tmp_path: Path):
    refuse_no_encoder(tmp_path)
    (tmp_path / "config.json").write_text("{")
    refuse_no_encoder(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "made-up"}))
    refuse_no_encoder(tmp_path)


def test_a_folder_without_weights_says_so(tmp_path: Path):
    transformers.BertConfig().save_pretrained(tmp_path)
    with pytest.raises(ArtifactError, match=r"no model\.safetensors"):
        load_encoder(tmp_path)
