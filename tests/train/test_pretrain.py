"""Pretraining: it lowers the loss on held-out rows, writes an encoder, and continues after a kill."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import polars as pl
import pytest
import torch
from tests.killed import kill_after
from transformers import AutoModel

from oreline import registry
from oreline.data.dataset import Dataset
from oreline.data.refine import refine
from oreline.errors import ArtifactError, DataError, UsageError
from oreline.models.load import load_encoder
from oreline.recipe import TrainOptions
from oreline.runtime.open import open_runtime
from oreline.store import Artifact
from oreline.train.finetune import finetune
from oreline.train.forecasts import Forecast
from oreline.train.pretrain import _Job, _Pretraining, pretrain
from oreline.train.run import run
from oreline.train.scratch import NewNetwork
from oreline.train.workspace import Workspace
from oreline.types import ignore

OPTIONS = TrainOptions(epochs=15, learning_rate=3e-3, threads=1)


@pytest.fixture(scope="module")
def pretrained(reviews, tiny_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return pretrain(reviews, start=tiny_start, options=OPTIONS, out=tmp_path_factory.mktemp("pre") / "model")


def test_the_loss_falls_on_held_out_rows(pretrained: Artifact):
    before, after = (pretrained.manifest.metrics[f"loss_{when}"] for when in ("before", "after"))
    assert after["high"] < before["low"]
    assert before["n"] == after["n"] > 100


def test_it_is_an_encoder_without_a_task(pretrained: Artifact):
    assert pretrained.manifest.task == "none"
    AutoModel.from_pretrained(pretrained.path)
    with pytest.raises(ArtifactError, match="no task yet"):
        open_runtime(pretrained)
    assert (pretrained.path / "report.html").exists()
    assert "loss_after" in (pretrained.path / "README.md").read_text(encoding="utf-8").replace("\\", "")


def test_it_continues_with_the_head_it_learnt(pretrained: Artifact, reviews, tmp_path: Path):
    options = OPTIONS.model_copy(update={"epochs": 1})
    again = pretrain(reviews, start=pretrained.path, options=options, out=tmp_path / "again")
    assert again.manifest.metrics["loss_before"]["value"] < pretrained.manifest.metrics["loss_before"]["value"]
    assert again.manifest.lineage[0]["id"] == pretrained.id


def test_a_wrong_objective_or_option_is_refused(reviews, tiny_start: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="mask_tokens"):
        pretrain(reviews, objective="mask_token", start=tiny_start, out=tmp_path / "model")
    with pytest.raises(UsageError, match="share"):
        pretrain(reviews, objective_options={"shares": 0.2}, start=tiny_start, out=tmp_path / "model")
    with pytest.raises(UsageError, match="beta"):
        options = TrainOptions(optimizer_options={"beta": 0.9})
        pretrain(reviews, options=options, start=tiny_start, out=tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_regularizers_are_refused(reviews, tiny_start: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="pretrain has no regularizers"):
        pretrain(reviews, options=TrainOptions(regularizers=["ema"]), start=tiny_start, out=tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_every_option_of_training_is_pretrainings_too(reviews, tiny_start: Path, tmp_path: Path):
    options = TrainOptions(epochs=2, threads=1, optimizer="muon", optimizer_options={"ns_steps": 3}, layer_decay=0.8)
    made = pretrain(reviews, options=options, start=tiny_start, out=tmp_path / "model")
    assert made.manifest.metrics["loss_after"]["value"] < made.manifest.metrics["loss_before"]["value"]
    assert made.manifest.recipe["options"]["train"]["optimizer_options"] == {"ns_steps": 3}


def _steps(artifact: Artifact) -> int:
    resolved = artifact.manifest.recipe["resolved"]
    assert artifact.measurements()["steps"] == resolved["num_steps"]
    return resolved["num_steps"] + resolved["head_steps"]


def test_minutes_bound_the_steps_of_both_stages(reviews, tiny_start: Path, tmp_path: Path, monkeypatch):
    """A step is said to take an hour: of twenty, those remain that loading and measuring leave."""
    monkeypatch.setattr("oreline.train.pretrain.forecast", lambda *_, **__: Forecast(3600.0, 1))
    said: list[str] = []
    long = OPTIONS.model_copy(update={"epochs": 3000.0, "minutes": 20 * 60})
    artifact = pretrain(
        reviews,
        start=tiny_start,
        options=long,
        out=tmp_path / "model",
        on_event=lambda event: said.append(event.message),
    )
    # Two measurements of the held-out rows take time too; the loading of a busy machine is a small part of an hour.
    assert 3 <= _steps(artifact) <= 19
    assert any(re.match(rf"{_steps(artifact)} steps over .* about [\d.]+ minutes", message) for message in said)
    short = OPTIONS.model_copy(update={"epochs": 2.0, "minutes": 20 * 60})
    whole = pretrain(reviews, start=tiny_start, options=short, out=tmp_path / "whole")
    unbound = pretrain(
        reviews, start=tiny_start, options=short.model_copy(update={"minutes": None}), out=tmp_path / "unbound"
    )
    assert _steps(whole) == _steps(unbound), "what the epochs ask for is never exceeded"


@pytest.fixture
def texts(reviews_csv: Path, tmp_path: Path) -> Dataset:
    """A text file without labels, as one split."""
    (tmp_path / "lines.txt").write_text("\n".join(pl.read_csv(reviews_csv)["text"]), encoding="utf-8")
    return refine(tmp_path / "lines.txt", operators=[], split={}, out=tmp_path / "lines")


def test_texts_without_labels_and_without_dev(texts: Dataset, tiny_start: Path, tmp_path: Path):
    assert texts.splits == ("all",)
    assert "label" not in texts.manifest.columns
    artifact = pretrain(texts, start=tiny_start, options=OPTIONS, out=tmp_path / "model")
    before, after = (artifact.manifest.metrics[f"loss_{when}"] for when in ("before", "after"))
    assert after["high"] < before["low"]
    assert artifact.manifest.data["rows"] == 400
    assert artifact.manifest.columns == {"text": ["text"]}


def test_of_few_rows_a_step_is_an_epoch(tiny_start: Path, tmp_path: Path):
    few = refine({"text": [f"a great film of {n}" for n in range(8)]}, operators=[], split={}, out=tmp_path / "few")
    said = []
    options = OPTIONS.model_copy(update={"epochs": 1.0})
    pretrain(few, start=tiny_start, options=options, out=tmp_path / "model", on_event=said.append)
    [forecast] = [event.message for event in said if event.stage == "forecast"]
    assert "2 steps" in forecast, "one of the output layer, one of the whole"
    assert "(1 epoch)" in forecast


def test_without_dev_the_rows_to_measure_on_are_kept_out_of_training(texts: Dataset, tiny_start: Path, tmp_path: Path):
    job = _Job(Workspace(tmp_path), tmp_path / "logs", 0, 0.0, is_new=False, given=None, on_event=ignore)
    training = _Pretraining(texts, registry.create("objective", "mask_tokens"), tiny_start, OPTIONS, job)
    held_out, trained = ({row.tobytes() for row in rows_NT} for rows_NT in (training.held_out_NT, training.rows_NT))
    assert len(held_out) == max((len(held_out) + len(trained)) // 10, 1)
    assert not held_out & trained
    training._batch = lambda rows_BT, generator: rows_BT  # type: ignore[method-assign]  as before words are masked
    seen = {row.tobytes() for [rows_BT] in training._steps(0, 100, 0) for row in rows_BT}
    assert seen == trained


def test_the_body_is_frozen_while_the_output_layer_is_warmed_up(reviews, tiny_start: Path, tmp_path: Path, monkeypatch):
    moved: dict[str, set[str]] = {}

    def watched(plan, *rest):
        before = {name: parameter.detach().clone() for name, parameter in plan.model.named_parameters()}
        progress = run(plan, *rest)
        after = dict(plan.model.named_parameters())
        moved[plan.stage] = {name for name, value in before.items() if not torch.equal(value, after[name])}
        return progress

    monkeypatch.setattr("oreline.train.pretrain.run", watched)
    pretrain(reviews, start=tiny_start, options=OPTIONS.model_copy(update={"epochs": 4.0}), out=tmp_path / "model")
    assert list(moved) == ["warm up", "pretrain"]
    assert moved["warm up"]
    assert not any(name.startswith("bert.") for name in moved["warm up"])
    assert any(name.startswith("bert.encoder.layer.0.") for name in moved["pretrain"])
    assert moved["pretrain"] > moved["warm up"]


NETWORKS = {
    "textcnn": {"filters": 8, "kernels": [3], "embedding_width": 12},
    "bilstm": {"width": 16, "embedding_width": 12},
    "transformer_tiny": {"width": 16, "layers": 1, "positions": 64},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_that_knows_nothing_is_pretrained_and_fine_tuned(name: str, tmp_path: Path):
    texts = [f"这部{what}{how}第{n}次" for n in range(40) for what in ("电影", "音乐") for how in ("很好看", "太无聊")]
    labels = ["好" if "好" in text else "坏" for text in texts]
    data = refine(
        {"text": texts, "label": labels}, operators=[], split={"train": 0.8, "dev": 0.2}, out=tmp_path / "texts"
    )
    stages: set[str] = set()
    options = TrainOptions(epochs=30, threads=1, learning_rate=1e-2)
    made = pretrain(
        data,
        start=NewNetwork(name, {**NETWORKS[name], "vocabulary": 100}),
        options=options,
        out=tmp_path / "model",
        on_event=lambda event: stages.add(event.stage),
    )
    before, after = (made.manifest.metrics[f"loss_{when}"]["value"] for when in ("before", "after"))
    assert after < before - 0.4
    assert "warm up" not in stages, "no output layer waits for an encoder that knows nothing"
    assert (made.manifest.lineage, made.manifest.recipe["options"]["network"]) == ([], name)
    learnt = load_encoder(made.path).get_input_embeddings().weight
    rested = TrainOptions(epochs=1, threads=1, learning_rate=1e-9, weight_decay=0)
    tuned = finetune(
        made.path,
        data,
        task="text_classification",
        method="full",
        options=rested,
        out=tmp_path / "t",
        score=lambda *_: {},
    )
    assert tuned.manifest.lineage[0]["verb"] == "pretrain"
    torch.testing.assert_close(load_encoder(tuned.path).get_input_embeddings().weight, learnt, atol=1e-5, rtol=0)


def test_a_network_needs_words(tmp_path: Path):
    data = refine({"text": [" ", "  "]}, operators=[], split={}, out=tmp_path / "texts")
    with pytest.raises(DataError):
        pretrain(data, start=NewNetwork("textcnn", {}), out=tmp_path / "model")
    assert {place.name for place in tmp_path.iterdir()} == {"texts"}


KILLED = """
import os, sys
from pathlib import Path
from oreline.data.dataset import Dataset
from oreline.recipe import TrainOptions
from oreline.train.pretrain import pretrain
start, data, out = map(Path, sys.argv[1:])
print(os.getpid(), flush=True)
options = TrainOptions(epochs=8, threads=1, checkpoint_every_s=0.001)
pretrain(Dataset.open(data), start=start, options=options, out=out,
         on_event=lambda event: print(event.stage, event.step, flush=True))
"""


def test_a_killed_run_continues_to_the_same_weights(warm: list[str], reviews, tiny_start: Path, tmp_path: Path):
    command = [*warm, "-c", KILLED, str(tiny_start), str(reviews.path)]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    for stage in ("warm up", "pretrain"):
        kill_after(
            [*command, str(tmp_path / "killed")],
            lambda line, stage=stage: line.startswith(stage) and int(line.split()[-1]) >= 3,
            0.05,
        )
    subprocess.run([*command, str(tmp_path / "killed")], check=True, capture_output=True)
    whole, killed = Artifact.open(tmp_path / "whole"), Artifact.open(tmp_path / "killed")
    assert killed.manifest.files["model.safetensors"] == whole.manifest.files["model.safetensors"]
    assert killed.manifest.metrics == whole.manifest.metrics
