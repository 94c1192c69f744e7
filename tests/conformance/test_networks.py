"""What every network without pretraining must do. A new file in `models/networks/` is tested here without a line of its
own."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import oreline as ore
from oreline import registry
from oreline.errors import OrelineError, UsageError
from oreline.evaluate.estimates import point_values
from oreline.models.adapting import put_on
from oreline.models.batch import make_batch
from oreline.models.load import load_encoder
from oreline.models.network import MODEL_TYPE
from oreline.models.sentence import read_pooling
from oreline.recipe import TrainOptions
from oreline.runtime.open import open_runtime
from oreline.store import Artifact
from oreline.train.finetune import finetune
from oreline.train.scratch import NewNetwork

NETWORKS = registry.names("network")
OTHERS = ("seq2seq", "causal", "embedding")
"""Heads of the tasks that write, which no encoder does, and of vectors, which build on what a start model knows."""
TASKS = [task for task in registry.names("task") if registry.get("task", task).head not in OTHERS]
TINY = {"width": 16, "filters": 8, "embedding_width": 8, "vocabulary": 200}
"""Options that make a network small, where it has them."""
LEARNS = {"width": 64, "filters": 32, "embedding_width": 32, "vocabulary": 200}
"""Enough width to learn few words in few steps at the network's own rate."""
LEARNING = {"rows_per_step": 8, "epochs": 15, "patience": 40}
ROWS = [np.array([2, 7, 9, 11, 3], np.int32), np.array([2, 8, 3], np.int32), np.array([2, 12, 6, 3], np.int32)]
TARGETS = {
    "sequence_classification": np.array([0, 1, 2]),
    "multilabel": np.array([[1, 0, 1], [0, 1, 0], [0, 0, 1]], np.float32),
    "regression": np.array([0.5, -1.0, 2.0], np.float32),
    "token_classification": [np.arange(len(row)) % 3 for row in ROWS],
}


TEXTS = [f"the film is {word} {number}" for number, word in enumerate("abcdefghij" * 3)]


def tiny(name: str, sizes: dict[str, Any] = TINY) -> dict[str, Any]:
    """Return options that make a network small."""
    known = {option.name for option in registry.options_of(registry.get("network", name))}
    return {option: value for option, value in sizes.items() if option in known}


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A start model of each network, as training makes it."""
    folder = tmp_path_factory.mktemp("networks")
    return {name: NewNetwork(name, tiny(name)).make(folder / name, TEXTS, 0) for name in NETWORKS}


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Few rows for each task: what a row is labelled with follows from single words."""
    folder, source = tmp_path_factory.mktemp("rows"), random.Random(0)
    made = {}
    for task in TASKS:
        plug = registry.get("task", task)
        found = [source.choice(["great", "dull"]) for _ in range(120)]
        texts = [f"the film is {word} {number}" for number, word in enumerate(found)]
        if hasattr(plug, "fault"):  # two marked entities
            texts = [f"<e1>the</e1> film is {word} <e2>{number}</e2>" for number, word in enumerate(found)]
        columns: dict[str, list[Any]] = {"text": texts}
        if "text_pair" in plug.inputs:
            columns["text_pair"] = [f"so {source.choice(['great', 'dull'])} {number}" for number in range(120)]
        if plug.view in ("tags", "frames"):
            columns["tags"] = [["O", "O", "O", "B-GOOD" if word == "great" else "B-BAD", "O"] for word in found]
        if plug.view == "answers":
            columns["answers"] = [[text.split()[1]] for text in columns["text_pair"]]
        elif plug.view != "tags":
            kinds = {"labels": lambda word: [word], "numbers": lambda word: 1.0 if word == "great" else -1.0}
            columns["label"] = [kinds.get(plug.view, str)(word) for word in found]
        made[task] = ore.refine(columns, operators=["drop_empty"], out=folder / task).path
    return made


def trained(name: str, data: Path, out: Path, task: str = "text_classification", **given: Any) -> Artifact:
    """Train a small network."""
    sizes = given.pop("sizes", TINY)
    train = {"threads": 1, "epochs": 1, **given.pop("train", {})}
    return ore.finetune(
        f"new:{name}", str(data), task=task, start_options=tiny(name, sizes), train=train, out=out, **given
    )


def head_on(start: Path, head: str = "sequence_classification") -> tuple[Any, Any]:
    """Return a head, and the network under it, in evaluation mode."""
    torch.manual_seed(0)
    num_labels = 1 if head == "regression" else 3
    opened = registry.create("head", head, num_labels=num_labels, pooling=read_pooling(start))
    return opened, opened.module(start).eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_options_survive_json_and_unknown_ones_are_refused(name: str) -> None:
    plug = registry.get("network", name)
    defaults = {option.name: option.default for option in registry.options_of(plug)}
    rebuilt = registry.create("network", name, **json.loads(json.dumps(defaults)))
    assert vars(rebuilt) == vars(plug())
    with pytest.raises(UsageError, match="has no option 'widht'"):
        NewNetwork(name, {"widht": 4}).plug  # noqa: B018
    for wrong in ({"vocabulary": 3}, {"pieces": "letters"}, {"dropout": 1.0}, {"dropout": "much"}):
        with pytest.raises(UsageError):
            registry.create("network", name, **wrong)
    for option in set(TINY) & {o.name for o in registry.options_of(plug)}:
        with pytest.raises(UsageError):
            registry.create("network", name, **{option: 0})
    assert plug.learning_rate > 0 < plug.epochs
    assert plug.pooling in ("mean", "max")


@pytest.mark.parametrize("name", NETWORKS)
def test_the_folder_is_a_start_model_like_any_other(name: str, starts: dict[str, Path]) -> None:
    files = {file.name for file in starts[name].iterdir()}
    assert files == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "1_Pooling"}
    assert "auto_map" not in (starts[name] / "config.json").read_text()
    encoder = load_encoder(starts[name])
    assert not encoder.new_weights
    assert encoder.config.pad_token_id == 0
    assert encoder.config.hidden_size == registry.create("network", name, **tiny(name)).width
    assert read_pooling(starts[name]) == registry.get("network", name).pooling


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_seed_gives_the_same_bytes(name: str, starts: dict[str, Path], tmp_path: Path) -> None:
    again = NewNetwork(name, tiny(name)).make(tmp_path / "again", TEXTS, 0)
    other = NewNetwork(name, tiny(name)).make(tmp_path / "other", TEXTS, 1)
    for file in ("model.safetensors", "tokenizer.json", "config.json"):
        assert (again / file).read_bytes() == (starts[name] / file).read_bytes()
    assert (other / "model.safetensors").read_bytes() != (again / "model.safetensors").read_bytes()


@pytest.mark.parametrize("head", TARGETS)
@pytest.mark.parametrize("name", NETWORKS)
def test_under_each_head_the_loss_falls_and_all_weights_move(name: str, head: str, starts: dict[str, Path]) -> None:
    opened, model = head_on(starts[name], head)
    batch = make_batch(ROWS, 0, targets=TARGETS[head])
    before = {key: weight.detach().clone() for key, weight in model.named_parameters()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(3):
        loss = opened.loss(model, batch) / batch.weight
        losses.append(float(loss.detach()))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[2] < losses[0]
    still = {key for key, weight in model.named_parameters() if torch.equal(weight, before[key])}
    assert all("pooler" in key for key in still)  # BERT's, which a mean does not read
    logits, embedding_BD = opened.outputs(model, batch)
    assert (logits.shape[0], logits.shape[-1]) == (3, opened.num_labels)
    assert embedding_BD.shape == (3, model.config.hidden_size)


@pytest.mark.parametrize("head", ["sequence_classification", "token_classification"])
@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=8, deadline=None)  # of two to five rows each, of one to nine tokens
@given(lengths=st.lists(st.integers(1, 9), min_size=2, max_size=5), seed=st.integers(0, 99))
def test_padding_changes_nothing(name: str, head: str, lengths: list[int], seed: int, starts: dict[str, Path]) -> None:
    opened, model = head_on(starts[name], head)
    source = np.random.default_rng(seed)
    rows = [source.integers(1, 20, length).astype(np.int32) for length in lengths]
    together, embeddings = opened.outputs(model, make_batch(rows, 0))
    for number, row in enumerate(rows):
        alone, embedding = opened.outputs(model, make_batch([row], 0))
        own = together[number, : len(row)] if head == "token_classification" else together[number]
        np.testing.assert_allclose(alone[0], own, atol=1e-5)
        np.testing.assert_allclose(embedding[0], embeddings[number], atol=1e-5)


@pytest.mark.parametrize("adapter", registry.names("adapter"))
@pytest.mark.parametrize("name", NETWORKS)
def test_an_adapter_works_on_it_or_is_refused_with_a_sentence(name: str, adapter: str, starts: dict[str, Path]) -> None:
    opened, model = head_on(starts[name])
    if model.config.model_type == MODEL_TYPE:
        with pytest.raises(
            UsageError, match=f"belongs into a transformer, and the start model is the network {name!r}"
        ):
            put_on(model, registry.create("adapter", adapter))
        return
    put_on(model, registry.create("adapter", adapter))
    loss = opened.loss(model, make_batch(ROWS, 0, targets=TARGETS["sequence_classification"]))
    loss.backward()
    assert any(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in model.parameters())


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_trained_for_every_task(name: str, task: str, datasets: dict[str, Path], tmp_path: Path) -> None:
    made = trained(name, datasets[task], tmp_path / "model", task)
    assert made.manifest.task == task
    assert (made.manifest.recipe["options"]["network"], made.manifest.lineage) == (name, [])
    runtime = open_runtime(made)
    golden = made.manifest.golden[0]
    answered = runtime.predict({role: [golden["inputs"][role]] for role in runtime.task.inputs})
    assert len(answered.outputs["scores"]) == 1
    marks = "<e1>a</e1> {} <e2>b</e2>" if hasattr(runtime.task, "fault") else "{}"
    texts = {role: [marks.format(text) for text in ("", "好", "x " * 500)] for role in runtime.task.inputs}
    assert len(runtime.predict(texts, embeddings=True).embedding_ND) == 3


@pytest.mark.parametrize("name", NETWORKS)
def test_it_learns_at_its_own_rate_and_is_made_again(name: str, datasets: dict[str, Path], tmp_path: Path) -> None:
    rate = registry.get("network", name).learning_rate
    learnt = trained(name, datasets["text_classification"], tmp_path / "learnt", train=LEARNING, sizes=LEARNS)
    assert learnt.manifest.metrics["accuracy"]["value"] > 0.9
    made = trained(name, datasets["text_classification"], tmp_path / "model")  # a few steps are as hard to make again
    assert [model.manifest.recipe["options"]["train"]["learning_rate"] for model in (learnt, made)] == [rate, rate]
    again = ore.rerun(made, out=tmp_path / "again")
    for file in ("model.safetensors", "tokenizer.json", "head.safetensors"):
        assert again.manifest.files[file]["sha256"] == made.manifest.files[file]["sha256"]


class Stopped(Exception):
    """The run is interrupted here."""


@pytest.mark.parametrize("name", NETWORKS)
def test_an_interrupted_run_continues_to_the_same_bytes(name: str, reviews: Any, tmp_path: Path) -> None:
    def run(out: Path, on_event: Any = lambda event: None) -> Artifact:
        return finetune(
            NewNetwork(name, tiny(name)), reviews, task="text_classification", method="full", out=out,
            options=TrainOptions(epochs=1, threads=1, checkpoint_every_s=1e-6), score=point_values, on_event=on_event,
        )  # fmt: skip

    def stop(event: Any) -> None:
        if event.step == 5 and "loss" in event.values:
            raise Stopped

    whole = run(tmp_path / "whole")
    with pytest.raises(Stopped):
        run(tmp_path / "killed", stop)
    said: list[str] = []
    killed = run(tmp_path / "killed", lambda event: said.append(event.message))
    assert any("continuing at step" in message for message in said)
    for file in ("model.safetensors", "tokenizer.json", "head.safetensors"):
        assert killed.manifest.files[file]["sha256"] == whole.manifest.files[file]["sha256"]


@pytest.mark.parametrize(
    ("name", "task"),
    [("bilstm", "token_classification"), ("textcnn", "text_classification")],
)
def test_it_is_compressed_to_int8(name: str, task: str, datasets: dict[str, Path], tmp_path: Path) -> None:
    made = trained(name, datasets[task], tmp_path / "model", task)
    small, report = ore.compress(made, data=str(datasets[task]), max_drop=0.3, out=tmp_path / "int8")
    assert report.facts["verdict"] != "refused"
    quantised = {node.op_type for node in onnx.load(small.path / "model.onnx").graph.node}
    assert quantised & {"DynamicQuantizeLSTM", "MatMulInteger"}
    assert not quantised & {"LSTM", "MatMul"}
    texts = {"text": ["the film is great 7", "the film is dull", "great", "the film is great and the film is great"]}
    scores = [open_runtime(model).predict(texts, embeddings=True) for model in (made, small)]
    for before, after in zip(*(found.outputs["scores"] for found in scores)):
        np.testing.assert_allclose(after, before, atol=0.1)
    assert scores[0].embedding_ND.shape == scores[1].embedding_ND.shape
    with pytest.raises(OrelineError, match="one graph"):
        ore.compress(made, data=str(datasets[task]), options={"graphs": ["sdpa"]}, out=tmp_path / "other")


def test_it_is_updated_with_fresh_rows(datasets: dict[str, Path], tmp_path: Path) -> None:
    made = trained("textcnn", datasets["text_classification"], tmp_path / "model")
    fresh = {"text": [f"a {word} play {number}" for number, word in enumerate(["great", "dull"] * 40)]}
    fresh["label"] = ["great", "dull"] * 40
    _, report = ore.update(
        made, fresh, gate=str(datasets["text_classification"]), out=tmp_path / "home", train={"epochs": 1, "threads": 1}
    )
    assert report.facts["decision"] in {"passed", "refused", "undecided"}
