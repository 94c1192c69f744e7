"""Fine-tuning as a whole: every method, what it writes, how it is refused, and how it continues after a kill."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.killed import interrupted, kill_after, made_a_step
from tests.train.test_encoder import job
from transformers import AutoModel, AutoModelForSequenceClassification

import oreline as ore
from oreline import registry
from oreline.data.dataset import Dataset
from oreline.data.refine import refine
from oreline.errors import DataError, UsageError
from oreline.evaluate.estimates import point_values
from oreline.models.heads.sequence_classification import Head
from oreline.recipe import TrainOptions
from oreline.runtime.open import open_runtime
from oreline.store import Artifact, verify_files
from oreline.train.finetune import doubted, finetune
from oreline.train.job import Rows
from oreline.train.precision import Probe
from oreline.types import Event

SHORT = TrainOptions(epochs=1, threads=1, learning_rate=1e-3)
RAW: dict[str, Any] = {"roles": {}, "operators": [], "split": {}}


def train(start: Path | None, data: Dataset, out: Path, method: str = "full", **options) -> Artifact:
    given = {"options": SHORT, "score": point_values, "task": "text_classification"} | options
    return finetune(start, data, method=method, out=out, **given)


@pytest.mark.parametrize("method", ["full", "head", "linear"])
def test_every_method_learns_and_predicts_what_it_scored(method: str, reviews, tiny_start: Path, tmp_path: Path):
    start = None if method == "linear" else tiny_start
    options = TrainOptions(epochs=6, learning_rate=5e-3, threads=1)
    choices = {"pooling": "mean"} if method == "full" else {}
    artifact = train(start, reviews, tmp_path / "model", method, options=options, method_options=choices)
    test = reviews.frame("test")
    runtime = open_runtime(artifact)
    scores_NK = runtime.predict({"text": test["text"].to_list()}).outputs["scores"]
    accuracy = (scores_NK.argmax(1) == runtime.task.encode_target(test["label"].to_list())).mean()
    assert accuracy > 0.75
    assert verify_files(artifact.path, artifact.manifest) == []


def test_the_artifact_holds_everything(torch_model, reviews):
    manifest = torch_model.manifest
    assert manifest.data["fingerprint"] == reviews.fingerprint
    assert manifest.recipe["verb"] == "finetune"
    assert {"precision", "threads", "token_budget", "versions", "num_steps"} <= set(manifest.recipe["resolved"])
    assert {"samples.parquet", "train_rows.bin", "README.md", "tokenizer.json"} <= set(manifest.files)
    assert (torch_model.path / "events.jsonl").read_text().count('"loss"') == torch_model.measurements()["steps"]
    assert (torch_model.path / "report.html").stat().st_size > 1000
    assert len(manifest.golden) == 8
    golden = manifest.golden[0]
    answered = open_runtime(torch_model).predict({"text": [golden["inputs"]["text"]]}).outputs["scores"][0]
    np.testing.assert_allclose(answered, golden["scores"], atol=1e-5)


def test_transformers_opens_what_is_written(reviews, tiny_start: Path, tmp_path: Path):
    artifact = train(tiny_start, reviews, tmp_path / "model", method_options={"pooling": "first"})
    whole = AutoModelForSequenceClassification.from_pretrained(artifact.path)
    assert whole.config.id2label == {0: "fresh", 1: "rotten"}
    assert not artifact.has("head.safetensors")
    AutoModel.from_pretrained(artifact.path)


def test_the_decoded_example_and_the_forecast_come_before_the_first_step(reviews, tiny_start: Path, tmp_path: Path):
    seen: list[Event] = []
    train(tiny_start, reviews, tmp_path / "model", on_event=seen.append)
    first_step = next(index for index, event in enumerate(seen) if "loss" in event.values)
    said = [event.message for event in seen[:first_step]]
    [example] = [message for message in said if message.startswith("first row as the model sees it: ")]
    text, label = reviews.frame("train").select("text", "label").row(0)
    shown = re.fullmatch(r"first row as the model sees it: \[CLS\] (.+) \[SEP\] → (fresh|rotten)", example)
    assert shown, example
    assert shown[2] == label
    assert set(shown[1].split()) >= {word for word in text.split() if word.isalpha()}
    estimate = r"\d+ steps over \d+ rows \(1 epoch\): about [\d.]+ (minutes|seconds?) and [\d.]+ GiB of memory"
    assert any(re.fullmatch(estimate, message) for message in said), said
    values = seen[first_step].values
    assert {"loss", "rows_per_s", "tokens_per_s", "left_s", "gemm_share"} <= set(values)


@pytest.mark.parametrize(("bf16_gflops", "precision"), [(400.0, "bf16"), (110.0, "fp32")])
def test_bf16_is_trained_in_only_where_the_probe_finds_it_faster(
    reviews, tiny_start: Path, tmp_path: Path, monkeypatch, bf16_gflops: float, precision: str
):
    """What the probe finds is what is resolved, recorded, and what the loop's forward passes run in."""
    found = Probe("cpu", 1, 100.0, bf16_gflops)
    monkeypatch.setattr("oreline.train.resources.probe", lambda *_, **__: found)
    monkeypatch.setattr("oreline.train.encoder.foretold_steps", lambda *_, **__: 2)
    seen: set[str] = set()
    loss = Head.loss

    def watched(self: Head, model, batch):
        is_bf16 = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
        seen.add("bf16" if is_bf16 else "fp32")
        return loss(self, model, batch)

    monkeypatch.setattr(Head, "loss", watched)
    options = SHORT.model_copy(update={"epochs": 0.2})
    artifact = train(tiny_start, reviews, tmp_path / "model", options=options)
    assert artifact.manifest.recipe["resolved"]["precision"] == precision
    assert artifact.manifest.recipe["resolved"]["peak_gflops"] == found.gflops(precision)
    assert seen == {precision}
    given = train(tiny_start, reviews, tmp_path / "b", options=options.model_copy(update={"precision": "fp32"}))
    assert given.manifest.recipe["resolved"]["precision"] == "fp32", "what the recipe says is not probed for"


def test_the_same_recipe_gives_the_same_bytes(reviews, tiny_start: Path, tmp_path: Path):
    first = train(tiny_start, reviews, tmp_path / "a")
    second = train(tiny_start, reviews, tmp_path / "b")
    other = train(tiny_start, reviews, tmp_path / "c", seed=1)
    weights = [artifact.manifest.files["model.safetensors"]["sha256"] for artifact in (first, second, other)]
    assert weights[0] == weights[1] != weights[2]


def test_resolved_values_are_used_not_probed(reviews, tiny_start: Path, tmp_path: Path, monkeypatch):
    first = train(tiny_start, reviews, tmp_path / "a")
    monkeypatch.setattr("oreline.train.resources.probe", lambda *_, **__: pytest.fail("probed again"))
    again = train(tiny_start, reviews, tmp_path / "b", resolved=first.manifest.recipe["resolved"])
    assert again.manifest.files["model.safetensors"] == first.manifest.files["model.safetensors"]


KILLED = """
import os, sys
from pathlib import Path
from oreline import registry
from oreline.data.dataset import Dataset
from oreline.data.refine import refine
from oreline.evaluate.estimates import point_values
from oreline.recipe import TrainOptions
from oreline.train.finetune import finetune
from oreline.train.job import Rows
start, data, out = map(Path, sys.argv[1:])
print(os.getpid(), flush=True)
options = TrainOptions(epochs=3, threads=1, learning_rate=1e-3, checkpoint_every_s=0.001, patience=50,
                       regularizers={regularizers})
finetune(start, Dataset.open(data), task="text_classification", method="full", options=options, out=out,
         score=point_values, on_event=lambda event: print(event.step, event.message, flush=True))
"""


@pytest.mark.parametrize("regularizers", [[], ["r_drop", {"ema": {"decay": 0.9}}]])
def test_a_killed_run_continues_to_the_same_weights(
    warm: list[str], reviews, tiny_start: Path, tmp_path: Path, regularizers: list
):
    arguments = ["-c", KILLED.format(regularizers=regularizers), str(tiny_start), str(reviews.path)]
    command = [*warm, *arguments]
    whole = command if regularizers else [sys.executable, *arguments]  # once with Python's hashes seeded otherwise
    subprocess.run([*whole, str(tmp_path / "whole")], check=True, capture_output=True)
    for delay_s in (0.05, 0.4):  # kills fall into steps, checkpoints and evaluations
        kill_after([*command, str(tmp_path / "killed")], made_a_step, delay_s)
    done = subprocess.run([*command, str(tmp_path / "killed")], check=False, capture_output=True, text=True)
    if not (tmp_path / "killed").is_dir():
        pytest.fail(done.stderr)
    whole, killed = Artifact.open(tmp_path / "whole"), Artifact.open(tmp_path / "killed")
    assert killed.manifest.files["model.safetensors"] == whole.manifest.files["model.safetensors"]
    assert not (tmp_path / ".killed.work").exists()


@pytest.mark.parametrize("seed", [0, 1])
def test_interrupted_question_answering_ends_in_the_same_bytes(seed: int, tiny_start: Path, tmp_path: Path):
    """Contexts in several windows, some without an answer, and a threshold that is set on dev."""
    fillers = ["a film with a story", "the plot is long and the story is too", "a movie"]
    contexts = [f"{fillers[n % 3]} {'great' if n % 3 else 'dull'} {' '.join(fillers * (n % 4))} {n}" for n in range(40)]
    answers = [["great"] if n % 3 else [] for n in range(40)]
    data = ore.refine(
        {"text": ["how is it"] * 40, "text_pair": contexts, "answers": answers}, operators=[], out=tmp_path / "data"
    )
    train = {
        "epochs": 1,
        "threads": 1,
        "rows_per_step": 8,
        "max_tokens": 24,
        "dropout": 0.1,
        "checkpoint_every_s": 1e-9,
    }
    given = {"task": "question_answering", "method": "full", "train": train}
    whole, killed, said = interrupted(
        lambda name, told: ore.finetune(tiny_start, data, **given, out=tmp_path / name, on_event=told), seed
    )
    assert any("continuing at step" in message for message in said)
    assert killed.manifest.files == whole.manifest.files
    assert killed.manifest.task_options == whole.manifest.task_options


def test_a_run_that_fails_before_its_first_checkpoint_leaves_nothing(reviews, tiny_start: Path, tmp_path: Path):
    def fail(event: Event) -> None:
        if event.step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny_start, reviews, tmp_path / "model", on_event=fail)
    assert list(tmp_path.iterdir()) == []


def test_early_stopping_restores_the_best_weights(reviews, tiny_start: Path, tmp_path: Path):
    seen: list[Event] = []
    scores = iter([0.6, 0.9, 0.5, 0.4, 0.3, 0.2, 0.1])
    options = TrainOptions(epochs=6, threads=1, evaluations_per_epoch=1, patience=2)
    artifact = train(
        tiny_start, reviews, tmp_path / "model",
        options=options, on_event=seen.append, score=lambda *_: {"accuracy": next(scores)},
    )  # fmt: skip
    assert artifact.measurements()["best_step"] * 2 == artifact.measurements()["steps"]
    assert any("kept the weights of step" in event.message for event in seen)
    two_epochs = TrainOptions(epochs=6, threads=1, evaluations_per_epoch=1, patience=1)
    scores = iter([0.6, 0.9, 0.5])
    again = train(
        tiny_start, reviews, tmp_path / "again",
        options=two_epochs, score=lambda *_: {"accuracy": next(scores)},
    )  # fmt: skip
    assert again.manifest.files["model.safetensors"] == artifact.manifest.files["model.safetensors"]


def test_the_loss_is_the_options(reviews, tiny_start: Path, tmp_path: Path):
    weighted = [{"class_weights": "effective"}, {"class_weights": "balanced"}]
    changes = [{}, {"label_smoothing": 0.1}, {"focal_gamma": 2.0}, *weighted]
    artifacts = [
        train(tiny_start, reviews, tmp_path / str(number), options=SHORT.model_copy(update={"epochs": 0.3} | change))
        for number, change in enumerate(changes)
    ]
    assert len({artifact.manifest.files["model.safetensors"]["sha256"] for artifact in artifacts}) == len(changes)


@pytest.mark.parametrize("method", ["head", "linear"])
@pytest.mark.parametrize("change", [{"label_smoothing": 0.1}, {"focal_gamma": 1.0}, {"regularizers": ["ema"]}])
def test_a_method_without_gradients_refuses_options_of_the_loss(
    method: str, change: dict, reviews, tiny_start: Path, tmp_path: Path
):
    with pytest.raises(UsageError, match=f"{next(iter(change))} is .*the method '{method}' has a loss of its own"):
        train(tiny_start, reviews, tmp_path / "model", method, options=SHORT.model_copy(update=change))


def test_minutes_bound_the_run(reviews, tiny_start: Path, tmp_path: Path):
    options = TrainOptions(epochs=10_000, minutes=0.02, threads=1)
    artifact = train(tiny_start, reviews, tmp_path / "model", options=options)
    assert artifact.measurements()["steps"] < 10_000


def test_long_texts_are_cut_and_counted(reviews, tiny_start: Path, tmp_path: Path):
    seen: list[Event] = []
    options = SHORT.model_copy(update={"max_tokens": 8})
    artifact = train(tiny_start, reviews, tmp_path / "model", options=options, on_event=seen.append)
    assert artifact.manifest.max_tokens == 8
    assert any("exceed 8 tokens and were cut" in event.message for event in seen)


def test_an_existing_output_is_refused_before_any_work(reviews, tiny_start: Path, tmp_path: Path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="exists already"):
        train(tiny_start, reviews, tmp_path / "model")
    assert list(tmp_path.iterdir()) == [tmp_path / "model"]


def test_a_method_without_its_start_is_refused(reviews, tmp_path: Path):
    with pytest.raises(UsageError, match="needs a start model"):
        train(None, reviews, tmp_path / "model", "full")


def test_the_optimizer_and_its_options_are_the_recipes(reviews, tiny_start: Path, tmp_path: Path):
    weights = set()
    for name, changes in {
        "adamw": {},
        "again": {"optimizer_options": {"beta1": 0.9}},
        "beta": {"optimizer_options": {"beta1": 0.5}},
        "lion": {"optimizer": "lion"},
        "cosine": {"schedule": "cosine"},
        "layers": {"layer_decay": 0.5},
    }.items():
        options = SHORT.model_copy(update={"epochs": 0.4} | changes)
        artifact = train(tiny_start, reviews, tmp_path / name, options=options)
        weights.add(artifact.manifest.files["model.safetensors"]["sha256"])
        assert artifact.manifest.recipe["options"]["train"].items() >= changes.items()
    assert len(weights) == 5  # "again" names the default


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"optimizer": "adam"}, "no optimizer named 'adam'"),
        ({"optimizer_options": {"beta": 0.9}}, "has no option 'beta'"),
        ({"optimizer_options": {"beta1": 1.0}}, "adamw: beta1 is 1.0"),
        (
            {"optimizer": "sgd", "optimizer_options": {"momentum": "high"}},
            "option 'momentum' of the optimizer 'sgd' is 'high'",
        ),
        ({"regularizers": ["drop"]}, "no regularizer named 'drop'"),
        ({"regularizers": ["swa", "ema"]}, "both average the weights"),
    ],
)
def test_a_wrong_optimizer_or_regularizer_is_refused_before_any_work(
    reviews, tiny_start: Path, tmp_path: Path, changes: dict, said: str
):
    with pytest.raises(UsageError, match=said):
        train(tiny_start, reviews, tmp_path / "model", options=SHORT.model_copy(update=changes))
    assert list(tmp_path.iterdir()) == []


def test_one_class_is_refused(reviews, tmp_path: Path):
    rows = reviews.frame("train", ["row_id", "text", "label"]).filter(label="fresh")
    with pytest.raises(DataError, match="only 1 class"):
        train(None, reviews, tmp_path / "model", "linear", rows=rows)


def test_training_on_an_artifact_keeps_its_labels_and_remembers_its_rows(torch_model, reviews, tmp_path: Path):
    rows = reviews.frame("dev", ["row_id", "text", "label"])
    child = train(torch_model.path, reviews, tmp_path / "child", rows=rows)
    assert child.manifest.task_options == torch_model.manifest.task_options
    assert child.manifest.lineage[0]["id"] == torch_model.id
    hashes = np.fromfile(child.file("train_rows.bin"), dtype="<u8")
    assert np.isin(np.fromfile(torch_model.file("train_rows.bin"), dtype="<u8"), hashes).all()
    assert len(hashes) > reviews.num_rows("train")


def test_labels_that_the_start_models_head_does_not_know(torch_model, tiny_start: Path, tmp_path: Path):
    texts = [f"a great film {number}" for number in range(8)]
    half = refine({"text": texts, "label": ["fresh", "rotten"] * 3 + ["fresh", "roten"]}, out=tmp_path / "half", **RAW)
    with pytest.raises(DataError, match="knows 2 of the labels, and not 'roten'") as told:
        train(torch_model.path, half, tmp_path / "model")
    assert "did you mean 'rotten'" in told.value.allowed
    assert told.value.where == half.frame("all", ["row_id", "label"]).filter(label="roten")["row_id"][0]
    assert not (tmp_path / "model").exists()
    labels = ["fresh", "rotten"] * 2 + ["zest", "apt"] * 2
    both = refine({"text": texts, "label": labels}, out=tmp_path / "both", **RAW)
    with pytest.raises(DataError, match="and not 'apt', 'zest'") as told:  # the row has one of them
        train(torch_model.path, both, tmp_path / "model")
    assert told.value.where == both.frame("all", ["row_id", "label"]).filter(label="zest")["row_id"][0]
    other = refine({"text": texts, "label": ["short", "long"] * 4}, out=tmp_path / "other", **RAW)
    assert train(torch_model.path, other, tmp_path / "new").manifest.task_options["labels"] == ["long", "short"]


@pytest.mark.filterwarnings("ignore")  # the trackers' libraries have deprecations of their own
@pytest.mark.parametrize(
    ("tracker", "files"), [("tensorboard", "events.*"), ("mlflow", "mlflow.db"), ("wandb", "wandb/offline-run-*")]
)
def test_trackers_get_the_same_events(reviews, tiny_start: Path, tmp_path: Path, monkeypatch, tracker: str, files: str):
    monkeypatch.setenv("WANDB_MODE", "offline")
    options = SHORT.model_copy(update={"track": [tracker]})
    artifact = train(tiny_start, reviews, tmp_path / "model", options=options)
    assert list((tmp_path / "model.logs").rglob(files))
    lines = [json.loads(line) for line in (artifact.path / "events.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == artifact.measurements()["steps"]


@pytest.mark.parametrize(("text", "is_doubted"), [("the great film", False), ("房间很干净", True)])
def test_a_start_model_that_hardly_reads_the_rows_is_named(
    text: str, is_doubted: bool, tiny_start: Path, tmp_path: Path
) -> None:
    rows = Rows({"text": [text] * 20}, np.zeros(20, np.int64))
    said = doubted(job(tmp_path, start=tiny_start, train=rows))
    assert said.startswith("the start model hardly reads these texts") == is_doubted
    assert said.endswith("or n-grams") == is_doubted
    assert doubted(job(tmp_path, train=rows)) == ""
    asked = Rows({"text": [text] * 20, "text_pair": [text] * 20}, np.zeros(20, np.int64))
    questions = replace(
        job(tmp_path, start=tiny_start, train=asked), task=registry.create("task", "question_answering")
    )
    assert ("hardly reads" in doubted(questions)) == is_doubted
    assert "n-grams" not in doubted(questions)  # they answer whole texts alone
