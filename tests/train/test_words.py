"""Words as rows of a linear layer: their states, their targets, and the layer that transformers and sklearn agree on."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from sklearn.linear_model import LogisticRegression

import oreline as ore
from oreline import registry
from oreline.errors import DataError, ResourceError, UsageError
from oreline.models.heads.token_classification import Head
from oreline.recipe import TrainOptions
from oreline.tasks.token_classification import Task
from oreline.train import words
from oreline.train.encoder import EncoderTraining
from oreline.train.job import Job, Rows
from oreline.train.workspace import Workspace

TEXTS = [["the", "great", "film"], ["a", "dull", "story", "with", "a", "weak", "plot"], ["superb"]] * 8
TAGS = [["O", "B-GOOD", "O"], ["O", "B-BAD", "O", "O", "O", "B-BAD", "O"], ["B-GOOD"]] * 8


def training(work: Path, start: Path, tags=TAGS) -> EncoderTraining:
    task = Task(**Task.options_from(TAGS))
    job = Job(
        task=task,
        start=start,
        train=Rows({"text": [json.dumps(row) for row in TEXTS]}, task.encode_target(tags)),
        dev=None,
        options=TrainOptions(threads=1, max_tokens=8),
        seed=0,
        work=Workspace(work),
        logs=work / "logs",
        score=lambda *_: {},
        resolved=None,
        on_event=lambda event: None,
    )
    return EncoderTraining(job, start, Head(num_labels=len(task.labels)))


def test_states_are_those_that_the_models_own_layer_reads(tiny_start: Path, tmp_path: Path):
    opened = training(tmp_path, tiny_start)
    states_MD, targets_M = words.word_states(opened, opened.pieces, opened.targets, tmp_path / "a.words")
    assert isinstance(states_MD, np.memmap)
    assert len(states_MD) == len(targets_M) == sum(int((row != -100).sum()) for row in opened.targets)
    assert len(opened.pieces.ids) > len(TEXTS)  # long rows are windows
    place = 0
    for row, target_T in enumerate(opened.targets):
        batch = opened.batch(opened.pieces, np.array([row]), None)
        logits_BTK, _ = opened.head.outputs(opened.model, batch)
        kept = target_T != -100
        own = states_MD[place : place + kept.sum()]
        weight, bias = (p.detach().numpy() for p in opened.model.classifier.parameters())
        np.testing.assert_allclose(own @ weight.T + bias, logits_BTK[0][kept], atol=1e-4)
        assert targets_M[place : place + kept.sum()].tolist() == target_T[kept].tolist()
        place += int(kept.sum())


def test_the_best_layer_on_dev_is_scikit_learns():
    source = np.random.default_rng(0)
    states_MD = source.normal(size=(300, 6)).astype(np.float32)
    targets_M = (states_MD[:, 0] + source.normal(size=300) > 0).astype(np.int64)
    dev = states_MD[200:], targets_M[200:]
    found = words.fit_words(states_MD[:200], targets_M[:200], dev, (0.01, 1.0, 1e4), 2)
    expected = min(
        (
            LogisticRegression(C=strength, max_iter=1000).fit(states_MD[:200], targets_M[:200])
            for strength in (0.01, 1.0, 1e4)
        ),
        key=lambda model: -np.log(model.predict_proba(dev[0])[np.arange(100), dev[1]]).mean(),
    )
    assert found.strength == expected.C
    np.testing.assert_allclose(found.weight_KF[1] - found.weight_KF[0], expected.coef_[0], atol=1e-3)
    assert words.fit_words(states_MD, targets_M, None, (0.01, 1.0), 2).strength == 1.0


def test_a_row_of_other_counts_is_named_with_what_to_do(tiny_start: Path, tmp_path: Path):
    wrong = [list(tags) for tags in TAGS]
    wrong[4].append("O")
    with pytest.raises(DataError, match="7 words and 8 tags") as told:
        training(tmp_path, tiny_start, wrong)
    assert told.value.row == 4
    assert "list" in told.value.remedy


def test_a_full_disk_says_how_much_is_wanted(tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    opened = training(tmp_path, tiny_start)

    def full(stream, num_bytes: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(words, "_reserve", full)
    with pytest.raises(ResourceError, match="GiB of disk") as told:
        words.word_states(opened, opened.pieces, opened.targets, tmp_path / "a.words")
    assert "max_words" in told.value.remedy
    assert not (tmp_path / "a.words").exists()


@pytest.mark.parametrize("task", ["token_classification", "intent_slots"])
def test_the_method_head_answers_words(task: str, tiny_start: Path, tmp_path: Path):
    labels = ["praise", "blame", "praise"] * 8
    data = ore.refine(
        {
            name: {"text": TEXTS, "tags": TAGS, **({"label": labels} if task == "intent_slots" else {})}
            for name in ("train", "dev")
        },
        operators=[],
        split={},
        out=tmp_path / "data",
    )
    said: list[str] = []
    given = {
        "task": task,
        "method": "head",
        "train": {"threads": 1},
        "on_event": lambda event: said.append(event.message),
    }
    made = ore.finetune(str(tiny_start), data, out=tmp_path / "model", **given)
    before, after = load_file(tiny_start / "model.safetensors"), load_file(made.path / "model.safetensors")
    assert all(np.array_equal(before[name], after[f"bert.{name}"]) for name in before if "pooler" not in name)
    main = registry.get("task", task).metrics[0]
    assert made.manifest.metrics[main]["value"] > 0.9
    assert ore.predict(made, [{"text": "the great film"}])[0]["entities"][0]["text"] == "great"
    again = ore.finetune(str(tiny_start), data, out=tmp_path / "again", **given)
    assert again.manifest.files["model.safetensors"] == made.manifest.files["model.safetensors"]
    few = ore.finetune(str(tiny_start), data, out=tmp_path / "few", method_options={"max_words": 40}, **given)
    assert few.manifest.metrics[main]["n"] > 0
    assert any("40 words at most" in message for message in said)
    assert not list(tmp_path.rglob("*.words"))


def test_wrong_options_are_refused(tiny_start: Path, tmp_path: Path):
    data = ore.refine({"text": TEXTS, "tags": TAGS}, operators=[], split={}, out=tmp_path / "data")
    given = {"task": "token_classification", "method": "head", "out": tmp_path / "model"}
    with pytest.raises(UsageError, match="max_words is 0"):
        ore.finetune(str(tiny_start), data, method_options={"max_words": 0}, **given)
    with pytest.raises(UsageError, match="class_weights"):
        ore.finetune(str(tiny_start), data, train={"class_weights": "balanced", "threads": 1}, **given)
