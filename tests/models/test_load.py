"""Start models: what opens, what is refused, and that nothing in a folder is run or unpickled."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from oreline.errors import ArtifactError
from oreline.models.load import UNBOUNDED, load_classifier, load_encoder, load_seq2seq, max_positions, save_model


@pytest.fixture
def folder(tiny_start: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_start, tmp_path / "start"))


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_a_saved_classifier_reloads_to_the_same_logits(tiny_start: Path, tmp_path: Path, pooling: str):
    torch.manual_seed(1)
    model = load_classifier(tiny_start, 3, pooling=pooling).eval()
    save_model(model, tmp_path, labels=("a", "b", "c"))
    again = load_classifier(tmp_path, 3).eval()
    ids_BT = torch.tensor([[2, 7, 9, 3]])
    torch.testing.assert_close(again(input_ids=ids_BT).logits, model(input_ids=ids_BT).logits)
    assert (tmp_path / "head.safetensors").exists() == (pooling == "mean")
    assert again.config.id2label == {0: "a", 1: "b", 2: "c"}


def test_a_pickle_is_never_opened(folder: Path, tmp_path: Path):
    (folder / "model.safetensors").unlink()

    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "exploded",))

    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ArtifactError, match="pickle"):
        load_encoder(folder)
    assert not (tmp_path / "exploded").exists()


def test_a_folder_that_needs_its_own_code_is_refused(folder: Path):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "evil.Model"}}))
    with pytest.raises(ArtifactError, match="never run"):
        load_encoder(folder)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda f: (f / "config.json").unlink(), "no config.json"),
        (lambda f: (f / "config.json").write_text("{"), "not JSON"),
        (lambda f: (f / "model.safetensors").write_bytes(b"x" * 40), "cannot be opened"),
        (lambda f: (f / "config.json").write_text('{"model_type": "made-up"}'), "cannot be opened"),
    ],
)
def test_damage_is_named(folder: Path, damage, said: str):
    damage(folder)
    with pytest.raises(ArtifactError, match=said):
        load_encoder(folder)


def test_a_model_that_writes_keeps_how_it_ends(tiny_bart: Path, tmp_path: Path):
    model = load_seq2seq(tiny_bart).eval()
    save_model(model, tmp_path)
    again = load_seq2seq(tmp_path).eval()
    ids_BT = torch.tensor([[0, 9, 8, 2]])
    torch.testing.assert_close(
        again(input_ids=ids_BT, decoder_input_ids=ids_BT).logits,
        model(input_ids=ids_BT, decoder_input_ids=ids_BT).logits,
    )
    assert again.generation_config.eos_token_id == 2


def test_an_encoder_is_no_encoder_decoder_model(tiny_start: Path):
    with pytest.raises(ArtifactError, match=r"\(bert\) does not read one text and write another"):
        load_seq2seq(tiny_start)


def test_a_model_without_its_decoder_is_refused(tiny_bart: Path, tmp_path: Path):
    folder = Path(shutil.copytree(tiny_bart, tmp_path / "start"))
    weights = load_file(folder / "model.safetensors")
    save_file({name: tensor for name, tensor in weights.items() if "decoder" not in name}, folder / "model.safetensors")
    with pytest.raises(ArtifactError, match="which write the text"):
        load_seq2seq(folder)


def test_positions_that_are_relative_have_no_end(tiny_t5: Path, tiny_bart: Path):
    assert max_positions(load_seq2seq(tiny_t5)) == UNBOUNDED
    assert max_positions(load_seq2seq(tiny_bart)) == 64
