"""Training from kept states is training from computed ones: the same losses, the same weights, bit for bit."""

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
from transformers import AlbertConfig, AlbertForSequenceClassification, DebertaV2Config
from transformers import DebertaV2ForSequenceClassification as Deberta

import oreline as ore
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


def same(first: Artifact, second: Artifact) -> bool:
    """Whether two artifacts have the same weights."""
    one, other = weights(first), weights(second)
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("pooling", "precision", "adapter"),
    [
        ("first", "fp32", ""),
        ("mean", "bf16", ""),
        ("mean", "fp32", "lora"),
        ("first", "bf16", "bottleneck"),
        ("mean", "fp32", "adalora"),
    ],
)
def test_losses_and_weights_are_the_same_bits_without_the_cache(
    reviews, tiny_start: Path, tmp_path: Path, pooling: str, precision: str, adapter: str
):
    options = {"precision": precision, "pooling": pooling, "adapter": adapter}
    cached, with_cache, _ = train(tiny_start, reviews, tmp_path / "cached", **options)
    plain, without_cache, _ = train(tiny_start, reviews, tmp_path / "plain", frozen_cache="off", **options)
    for model, kept in ((cached, True), (plain, False)):
        measured = json.loads((model.path / "measurements.json").read_text(encoding="utf-8"))
        assert measured["frozen_layers"] == 1
        assert (measured["frozen_cache_bytes"] > 0) == kept
    assert with_cache == without_cache
    assert len(set(with_cache)) > 20
    assert cached.manifest.metrics == plain.manifest.metrics
    assert same(cached, plain)


def test_so_they_are_in_fp32_where_the_disk_lacks_room(reviews, tiny_start: Path, tmp_path: Path, monkeypatch):
    cached, with_cache, _ = train(tiny_start, reviews, tmp_path / "cached", frozen_cache="fp32")
    without_room(monkeypatch)
    plain, without_cache, said = train(tiny_start, reviews, tmp_path / "plain", frozen_cache="fp32")
    assert any("the disk lacks" in message for message in said)
    assert with_cache == without_cache
    assert same(cached, plain)


WORDS = ["great", "film", "the", "dull", "plot", "awful", "warm", "story"]
TEXTS = [" ".join(WORDS[(row + place) % 8] for place in range(3 + row % 5)) for row in range(24)]
CLASSES = ["good" if row % 3 else "bad" for row in range(24)]
ROWS = {
    "text_classification": {"text": TEXTS, "label": CLASSES},
    "pair": {"text": TEXTS, "text_pair": TEXTS[::-1], "label": CLASSES},
    "regression": {"text": TEXTS, "label": [str(row % 7) for row in range(24)]},
    "multilabel": {"text": TEXTS, "label": [["good"] if row % 3 else ["bad", "good"] for row in range(24)]},
    "token_classification": {
        "text": [text.split() for text in TEXTS],
        "tags": [["B-x" if word == "film" else "O" for word in text.split()] for text in TEXTS],
    },
    "question_answering": {
        "text": ["the film" for _ in TEXTS],
        "text_pair": TEXTS,
        "answers": [[{"text": text.split()[0], "start": 0}] for text in TEXTS],
    },
    "relation": {
        "text": TEXTS,
        "head": [text.split()[0] for text in TEXTS],
        "tail": [text.split()[2] for text in TEXTS],
        "label": CLASSES,
    },
    "embedding": {"text": TEXTS, "text_pair": [f"a {text}" for text in TEXTS]},
}


def losses_of(start: Path, data, out: Path, task: str, *, options: dict, method: str = "full", **changes):
    """Train for two epochs and more. Return the artifact, the loss of each step, and how many layers were frozen."""
    seen: list[Event] = []
    settings = {"epochs": 2.5, "threads": 1, "learning_rate": 2e-3, "rows_per_step": 4, "patience": 50, **changes}
    model = ore.finetune(
        str(start), data, task=task, method=method, method_options=options, train=settings, out=out,
        on_event=seen.append,
    )  # fmt: skip
    measured = json.loads((model.path / "measurements.json").read_text(encoding="utf-8"))
    return model, [event.values["loss"] for event in seen if "loss" in event.values], measured


def assert_the_same(start: Path, data, folder: Path, task: str, **given) -> list[float]:
    cached, with_cache, measured = losses_of(start, data, folder / "cached", task, **given)
    plain, without_cache, unkept = losses_of(start, data, folder / "plain", task, frozen_cache="off", **given)
    assert measured["frozen_layers"] == unkept["frozen_layers"] > 0
    assert measured["frozen_cache_bytes"] > 0 == unkept["frozen_cache_bytes"]
    assert with_cache == without_cache
    assert len(set(with_cache)) > 10
    assert same(cached, plain)
    return with_cache


@pytest.mark.parametrize("task", [*ROWS][1:])
def test_each_task_of_an_encoder_trains_above_kept_states(task: str, tiny_start: Path, tmp_path: Path):
    rows = ROWS[task]
    dev = {name: values[:6] for name, values in rows.items()}
    data = ore.refine({"train": rows, "dev": dev}, operators=[], split={}, out=tmp_path / "data")
    method = "pairs" if task == "embedding" else "full"
    assert_the_same(tiny_start, data, tmp_path, task, method=method, options={"freeze_layers": 1})


def test_an_adapter_of_the_upper_layers_of_an_embedding(tiny_start: Path, tmp_path: Path):
    data = ore.refine({"train": ROWS["embedding"]}, operators=[], split={}, out=tmp_path / "data")
    options = {"adapter": "lora", "adapter_options": {"layers": [-1]}, "gradient_cache": True, "mine": "epoch"}
    assert_the_same(tiny_start, data, tmp_path, "embedding", method="pairs", options=options, token_budget=40)


SHORT = {"generation": {"max_new_tokens": 5}, "rows_per_step": 16, "evaluations_per_epoch": 1}


@pytest.mark.parametrize(
    ("kind", "method", "options", "changes"),
    [
        ("llama", "full", {"freeze_layers": 1}, {}),
        ("llama", "lora", {"layers": [-1]}, {"packing": True}),
        ("gpt2", "full", {"freeze_layers": 1}, {"precision": "bf16"}),
    ],
)
def test_a_causal_model_does(causal_start, chats, tmp_path: Path, kind: str, method: str, options: dict, changes: dict):
    given = {"method": method, "options": options, **SHORT, **changes}
    assert_the_same(causal_start(kind), chats, tmp_path, "chat", **given)


@pytest.mark.parametrize(
    ("kind", "method", "options"),
    [
        ("tiny_t5", "full", {"freeze_layers": 1}),
        ("tiny_bart", "full", {"freeze": ["model.shared.*", "*encoder.*"]}),
        ("tiny_bart", "lora", {"layers": [-1]}),
    ],
)
def test_an_encoder_before_a_decoder_does(
    verdicts, tmp_path: Path, request: pytest.FixtureRequest, kind: str, method: str, options: dict
):
    start = request.getfixturevalue(kind)
    assert_the_same(start, verdicts, tmp_path, "seq2seq", method=method, options=options, **SHORT)


def test_checkpointed_layers_above_kept_states(tiny_start: Path, tmp_path: Path):
    data = ore.refine({"train": ROWS["text_classification"]}, operators=[], split={}, out=tmp_path / "data")
    given = {"options": {"freeze_layers": 1}}
    task = "text_classification"
    again = assert_the_same(tiny_start, data, tmp_path / "a", task, gradient_checkpointing=True, **given)
    held = assert_the_same(tiny_start, data, tmp_path / "b", task, **given)
    assert again == held


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
    reviews, tiny_start: Path, tmp_path: Path, monkeypatch, regularizer: str
):
    options = {"regularizers": [regularizer], "epochs": 2}
    _, with_cache, _ = train(tiny_start, reviews, tmp_path / "cached", **options)
    without_room(monkeypatch)
    _, without_cache, _ = train(tiny_start, reviews, tmp_path / "plain", **options)
    assert with_cache == without_cache


def test_a_regularizer_of_the_inputs_computes_the_whole_model(reviews, tiny_start: Path, tmp_path: Path):
    artifact, _, said = train(tiny_start, reviews, tmp_path / "model", regularizers=["fgm"], epochs=1)
    assert any("a regularizer changes what goes into them" in message for message in said)
    assert "frozen_layers" not in artifact.measurements()


@pytest.mark.parametrize(("epochs", "kept"), [(0.5, False), (1, False), (1.2, True)])
def test_nothing_is_kept_that_is_not_read_again(
    reviews, tiny_start: Path, tmp_path: Path, monkeypatch, epochs: float, kept: bool
):
    made: list[int] = []
    real = cache._File.put
    monkeypatch.setattr(cache._File, "put", lambda self, states: made.extend(states) or real(self, states))
    artifact, losses, _ = train(tiny_start, reviews, tmp_path / "model", epochs=epochs)
    num_train, num_dev = reviews.num_rows("train"), reviews.num_rows("dev")
    assert len(made) == num_dev + kept * num_train
    assert len(losses) == round(-(-num_train // 8) * epochs)
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
    assert 0 < counted[0] == counted[-1]  # so few rows are computed together before the first step


def test_why_frozen_layers_are_computed_in_every_step_is_said():
    said: list[str] = []
    sizes = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    albert = AlbertForSequenceClassification(AlbertConfig(**sizes, intermediate_size=32, embedding_size=16))
    albert.albert.requires_grad_(False)
    freeze(albert, layers=1)
    assert usable_prefix(albert, inputs_move=False, say=said.append) is None
    relative = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "norm_rel_ebd": "layer_norm"}
    deberta = Deberta(DebertaV2Config(**sizes, **relative, intermediate_size=32))
    freeze(deberta, layers=1)
    assert num_frozen_layers(deberta) == 1
    assert usable_prefix(deberta, inputs_move=False, say=said.append) is None
    assert said == [
        "the frozen layers are computed in every step: those of 'albert' are not called one after another",
        "the frozen layers are computed in every step: something that trains goes into them",
    ]
    freeze(deberta, patterns=["*encoder.LayerNorm*"])  # of the positions, which all layers read
    assert usable_prefix(deberta, inputs_move=False, say=pytest.fail).num_layers == 1


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
