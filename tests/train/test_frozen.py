"""Training from kept states is training from computed ones: the same losses, the same weights."""

from __future__ import annotations

import json
import subprocess
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.killed import kill_after, made_a_step
from torch import nn
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from oreline.data.refine import refine
from oreline.evaluate.estimates import point_values
from oreline.models.load import load_classifier
from oreline.recipe import TrainOptions
from oreline.runtime.open import open_runtime
from oreline.store import Artifact
from oreline.train import cache, frozen
from oreline.train.finetune import finetune
from oreline.train.freeze import freeze
from oreline.train.frozen import lacking_bytes, num_frozen_layers, usable_prefix
from oreline.types import Event

OPTIONS = TrainOptions(epochs=3, threads=1, learning_rate=2e-3, patience=50, rows_per_step=8)


def train(start: Path, data, out: Path, *, layers: int = 1, pooling: str = "mean", adapter: str = "", **changes):
    """Train with frozen layers, or with an adapter in the layers above them. Return the artifact, the loss of each step, and what was said."""
    seen: list[Event] = []
    artifact = finetune(
        start,
        data,
        task="text_classification",
        method=adapter or "full",
        method_options={"pooling": pooling, **({"layers": [-1]} if adapter else {"freeze_layers": layers})},
        options=OPTIONS.model_copy(update=changes),
        out=out,
        score=point_values,
        on_event=seen.append,
    )
    losses = [event.values["loss"] for event in seen if "loss" in event.values]
    return artifact, losses, [event.message for event in seen if event.message]


def without_room(monkeypatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(frozen.shutil, "disk_usage", lambda _: usage(10, 10, 0))


def weights(artifact: Artifact) -> dict[str, np.ndarray]:
    adapter = artifact.path / "adapter.safetensors"
    found = load_file(adapter if adapter.is_file() else artifact.path / "model.safetensors")
    head = artifact.path / "head.safetensors"
    return found | (load_file(head) if head.is_file() else {})


@pytest.fixture(scope="module")
def distinct(tmp_path_factory: pytest.TempPathFactory):
    """Rows of which no two are equally long: every epoch has the same batches, all of them padded."""
    words = ["great", "film", "the", "dull", "plot", "awful", "warm", "story"]
    rows = [" ".join(words[(number + place) % 8] for place in range(number + 3)) for number in range(60)]
    labels = ["good" if number % 2 else "bad" for number in range(60)]
    frame = {"text": rows, "label": labels}
    dev = {"text": ["a great film", "a dull plot", "the awful story", "warm"], "label": ["good", "bad", "bad", "good"]}
    out = tmp_path_factory.mktemp("distinct") / "data"
    return refine({"train": frame, "dev": dev}, roles={}, operators=[], split={}, out=out)


@pytest.mark.parametrize(
    ("pooling", "precision", "adapter"),
    [
        ("first", "bf16", ""),
        ("mean", "fp32", ""),
        ("first", "fp32", "lora"),
        ("mean", "bf16", "lora"),
        ("mean", "bf16", "bottleneck"),
        ("mean", "bf16", "adalora"),
    ],
)
def test_in_the_same_company_losses_and_weights_are_the_same_bits(
    distinct, tiny_start: Path, tmp_path: Path, monkeypatch, pooling: str, precision: str, adapter: str
):
    options = {"frozen_cache": precision, "pooling": pooling, "adapter": adapter}
    cached, with_cache, _ = train(tiny_start, distinct, tmp_path / "cached", **options)
    without_room(monkeypatch)
    plain, without_cache, said = train(tiny_start, distinct, tmp_path / "plain", **options)
    assert any("the disk lacks" in message for message in said)
    assert len(with_cache) == 3 * 8
    measured = json.loads((cached.path / "measurements.json").read_text(encoding="utf-8"))
    assert measured["frozen_layers"] == 1
    assert measured["frozen_cache_bytes"] > 0
    assert with_cache == without_cache
    assert cached.manifest.metrics == plain.manifest.metrics
    before = weights(plain)
    for name, value in weights(cached).items():
        assert np.array_equal(value, before[name]), name


def test_in_other_company_they_differ_by_the_rounding_of_products(reviews, tiny_start: Path, tmp_path: Path):
    cached, with_cache, _ = train(tiny_start, reviews, tmp_path / "cached", frozen_cache="fp32")
    plain, without_cache, _ = train(tiny_start, reviews, tmp_path / "plain", frozen_cache="off")
    per_epoch = len(with_cache) // 3
    assert with_cache[:per_epoch] == without_cache[:per_epoch]  # the company of the first epoch
    np.testing.assert_allclose(with_cache, without_cache, atol=2e-5)
    before = weights(plain)
    for name, value in weights(cached).items():
        np.testing.assert_allclose(value, before[name], atol=2e-4, err_msg=name)


@pytest.mark.parametrize("layers", [1, 2])
def test_rounding_to_bf16_moves_little(reviews, tiny_start: Path, tmp_path: Path, layers: int):
    artifact, rounded, said = train(tiny_start, reviews, tmp_path / "bf16", layers=layers)
    _, exact, _ = train(tiny_start, reviews, tmp_path / "fp32", layers=layers, frozen_cache="fp32")
    np.testing.assert_allclose(rounded, exact, atol=0.02)
    assert rounded != exact
    measured = artifact.measurements()
    assert measured["frozen_layers"] == layers
    assert measured["frozen_cache_bytes"] > 0
    assert any("GiB of disk for what the frozen layers return" in message for message in said)


def test_what_is_scored_on_dev_is_what_the_artifact_answers(reviews, tiny_start: Path, tmp_path: Path):
    artifact, _, _ = train(tiny_start, reviews, tmp_path / "model")
    dev = reviews.frame("dev")
    runtime = open_runtime(artifact)
    targets_N = runtime.task.encode_target(dev["label"].to_list())
    answered = point_values(runtime.task, targets_N, runtime.predict({"text": dev["text"].to_list()}).outputs)
    seen = [event for event in (artifact.path / "events.jsonl").read_text().splitlines() if "dev_log_loss" in event]
    assert any(f'"dev_log_loss": {answered["log_loss"]:.4f}'[:-1] in line for line in seen)


@pytest.mark.parametrize("regularizer", ["r_drop", "awp"])
def test_losses_around_the_loss_work_on_kept_states(
    distinct, tiny_start: Path, tmp_path: Path, monkeypatch, regularizer: str
):
    options = {"regularizers": [regularizer], "epochs": 2}
    _, with_cache, _ = train(tiny_start, distinct, tmp_path / "cached", **options)
    without_room(monkeypatch)
    _, without_cache, _ = train(tiny_start, distinct, tmp_path / "plain", **options)
    assert with_cache == without_cache


def test_a_regularizer_of_the_inputs_computes_the_whole_model(distinct, tiny_start: Path, tmp_path: Path):
    artifact, _, said = train(tiny_start, distinct, tmp_path / "model", regularizers=["fgm"], epochs=1)
    assert any("a regularizer changes what goes into them" in message for message in said)
    assert "frozen_layers" not in artifact.measurements()


@pytest.mark.parametrize(("epochs", "kept"), [(0.5, False), (1, False), (1.2, True)])
def test_nothing_is_kept_that_is_not_read_again(
    distinct, tiny_start: Path, tmp_path: Path, monkeypatch, epochs: float, kept: bool
):
    made: list[int] = []
    real = cache._File.write
    monkeypatch.setattr(cache._File, "write", lambda self, *given: made.append(1) or real(self, *given))
    data = distinct
    artifact, losses, _ = train(tiny_start, data, tmp_path / "model", epochs=epochs)
    dev_batches = 1
    assert len(made) == dev_batches + kept * 8
    assert len(losses) == round(8 * epochs)
    assert artifact.manifest.files


def test_frozen_layers_are_not_counted_as_work_once_they_are_known(
    reviews, tiny_start: Path, tmp_path: Path, monkeypatch
):
    plans: list = []
    real = frozen.Frozen.keep
    counted: list[float] = []

    def keep(self, *given):
        plans.append(self)
        return real(self, *given)

    monkeypatch.setattr(frozen.Frozen, "keep", keep)
    finetune(
        tiny_start, reviews, task="text_classification", method="full",
        method_options={"pooling": "mean", "freeze_layers": 1}, options=OPTIONS, out=tmp_path / "model",
        score=point_values, on_event=lambda event: counted.append(plans[0].train.flops) if "loss" in event.values else None,
    )  # fmt: skip
    per_epoch = len(counted) // 3
    assert counted[0] < counted[per_epoch - 1] == counted[-1]


def test_a_model_that_is_not_built_like_bert_is_said_once():
    said: list[str] = []
    config = DistilBertConfig(vocab_size=40, dim=16, n_layers=2, n_heads=2, hidden_dim=32)
    model = DistilBertForSequenceClassification(config)
    freeze(model, layers=1)
    assert num_frozen_layers(model) == 1
    assert usable_prefix(model, inputs_move=False, say=said.append) is None
    assert said == ["the frozen layers are computed in every step: 'distilbert' is not built like BERT"]


@pytest.mark.parametrize(
    ("options", "layers"),
    [
        ({"layers": 1}, 1),
        ({"layers": 2}, 2),
        ({"patterns": ["*.attention.*"]}, 0),
        ({"patterns": ["*embeddings*"]}, 0),
        ({}, 0),
    ],
)
@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_what_is_frozen_is_read_from_the_parameters(tiny_start: Path, pooling: str, options: dict, layers: int):
    model = load_classifier(tiny_start, 2, pooling=pooling)
    freeze(model, **options)
    assert num_frozen_layers(model) == layers
    said: list[str] = []
    prefix = usable_prefix(model, inputs_move=False, say=said.append)
    assert (prefix.num_layers if prefix else 0) == layers
    assert said == []


def test_a_layer_above_the_lowest_frozen_ones_may_be_frozen_too(tiny_start: Path):
    model = load_classifier(tiny_start, 2)
    freeze(model, patterns=["*.layer.1.*"])
    assert num_frozen_layers(model) == 0
    freeze(model, layers=1)
    assert num_frozen_layers(model) == 2
    assert num_frozen_layers(nn.Linear(2, 2)) == 0


def test_what_an_earlier_run_kept_counts_as_room(tmp_path: Path, monkeypatch):
    without_room(monkeypatch)
    assert lacking_bytes(tmp_path, 0, 0) == 0
    assert lacking_bytes(tmp_path, 1000, 2) == 1064
    (tmp_path / "train-1.states").write_bytes(bytes(1 << 16))
    assert lacking_bytes(tmp_path, 1 << 16, 0) == 0


KILLED = """
import os, sys
from pathlib import Path
from oreline.data.dataset import Dataset
from oreline.evaluate.estimates import point_values
from oreline.recipe import TrainOptions
from oreline.train.finetune import finetune
start, data, out = map(Path, sys.argv[1:])
print(os.getpid(), flush=True)
options = TrainOptions(epochs=4, threads=1, learning_rate=1e-3, checkpoint_every_s=0.001, patience=50)
finetune(start, Dataset.open(data), task="text_classification", method="full", options=options, out=out,
         method_options={"pooling": "mean", "freeze_layers": 1},
         score=point_values, on_event=lambda event: print(event.step, event.message, flush=True))
"""


def test_a_killed_run_continues_to_the_same_weights_even_without_its_file(
    warm: list[str], reviews, tiny_start: Path, tmp_path: Path
):
    command = [*warm, "-c", KILLED, str(tiny_start), str(reviews.path)]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    work = tmp_path / ".killed.work"
    for number, delay_s in enumerate((0.02, 0.2, 0.2)):  # in the first epoch, and later
        kill_after([*command, str(tmp_path / "killed")], made_a_step, delay_s)
        if number == 1 and work.is_dir():
            [file] = work.glob("train-*.states")
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        if number == 2 and work.is_dir():
            next(work.glob("train-*.states")).unlink()
    done = subprocess.run([*command, str(tmp_path / "killed")], check=False, capture_output=True, text=True)
    if not (tmp_path / "killed").is_dir():
        pytest.fail(done.stderr)
    whole, killed = Artifact.open(tmp_path / "whole"), Artifact.open(tmp_path / "killed")
    assert killed.manifest.files["model.safetensors"] == whole.manifest.files["model.safetensors"]
    assert killed.manifest.files["head.safetensors"] == whole.manifest.files["head.safetensors"]
    assert not work.exists()


def test_early_stopping_and_a_second_run_of_the_same_recipe_give_the_same_bytes(
    reviews, tiny_start: Path, tmp_path: Path
):
    options = {"epochs": 6, "patience": 1, "evaluations_per_epoch": 3}
    first, losses, _ = train(tiny_start, reviews, tmp_path / "a", **options)
    again, _, _ = train(tiny_start, reviews, tmp_path / "b", **options)
    assert first.manifest.files["model.safetensors"] == again.manifest.files["model.safetensors"]
    assert len(losses) == first.measurements()["steps"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
