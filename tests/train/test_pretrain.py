"""Pretraining: it lowers the loss on held-out rows, writes an encoder, and continues after a kill."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from transformers import AutoModel

from oreline.errors import ArtifactError, UsageError
from oreline.recipe import TrainOptions
from oreline.runtime.open import open_runtime
from oreline.store import Artifact
from oreline.train.pretrain import pretrain

OPTIONS = TrainOptions(epochs=30, learning_rate=3e-3, threads=1)


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


KILLED = """
import sys
from pathlib import Path
from oreline.data.dataset import Dataset
from oreline.recipe import TrainOptions
from oreline.train.pretrain import pretrain
start, data, out = map(Path, sys.argv[1:])
options = TrainOptions(epochs=40, threads=1, checkpoint_every_s=0.001)
pretrain(Dataset.open(data), start=start, options=options, out=out,
         on_event=lambda event: print(event.stage, event.step, flush=True))
"""


def test_a_killed_run_continues_to_the_same_weights(reviews, tiny_start: Path, tmp_path: Path):
    command = [sys.executable, "-c", KILLED, str(tiny_start), str(reviews.path)]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)
    for stage in ("warm up", "pretrain"):
        process = subprocess.Popen([*command, str(tmp_path / "killed")], stdout=subprocess.PIPE, text=True)
        for line in process.stdout:
            if line.startswith(stage) and int(line.split()[-1]) >= 3:
                break
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    subprocess.run([*command, str(tmp_path / "killed")], check=True, capture_output=True)
    whole, killed = Artifact.open(tmp_path / "whole"), Artifact.open(tmp_path / "killed")
    assert killed.manifest.files["model.safetensors"] == whole.manifest.files["model.safetensors"]
    assert killed.manifest.metrics == whole.manifest.metrics
