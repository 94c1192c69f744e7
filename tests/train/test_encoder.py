"""What the gradient methods share: the start's own pooling, the tokenizer's files, rows in their order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from oreline.models.heads.sequence_classification import Head
from oreline.recipe import TrainOptions
from oreline.tasks.text_classification import Task
from oreline.train.checkpoint import Workspace
from oreline.train.encoder import EncoderTraining, copy_tokenizer, pooling_of
from oreline.train.job import Job, Rows

TEXTS = ["the great film", "a dull and lifeless story with a weak plot", "superb", "the awful movie"]


def job(work: Path, **changes) -> Job:
    described = {
        "task": Task(labels=["bad", "good"]),
        "start": None,
        "train": Rows({"text": TEXTS}, np.array([1, 0, 1, 0])),
        "dev": None,
        "options": TrainOptions(threads=1),
        "seed": 0,
        "work": Workspace(work),
        "logs": work / "logs",
        "score": lambda *_: {"accuracy": 0.5},
        "resolved": None,
        "on_event": lambda event: None,
    }
    return Job(**(described | changes))


@pytest.mark.parametrize(
    ("settings", "pooling"),
    [
        ({"pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode": "mean"}, "mean"),
        ({"pooling_mode_mean_tokens": False, "pooling_mode_max_tokens": True}, "max"),
        ({"pooling_mode": "max"}, "max"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, None),
        (None, None),
    ],
)
def test_the_start_says_how_it_wants_to_be_read(settings, pooling: str | None, tmp_path: Path):
    if settings is not None:
        (tmp_path / "1_Pooling").mkdir()
        (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(settings))
    assert pooling_of(tmp_path) == pooling


def test_a_broken_pooling_file_says_nothing(tmp_path: Path):
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text("{")
    assert pooling_of(tmp_path) is None


def test_the_copied_tokenizer_opens_in_transformers(tiny_start: Path, tmp_path: Path):
    copy_tokenizer(tiny_start, tmp_path)
    ours = AutoTokenizer.from_pretrained(tmp_path)(TEXTS)["input_ids"]
    assert ours == AutoTokenizer.from_pretrained(tiny_start)(TEXTS)["input_ids"]


def test_outputs_and_embeddings_come_in_the_rows_order(tiny_start: Path, tmp_path: Path):
    training = EncoderTraining(job(tmp_path), tiny_start, Head(num_labels=2, pooling="mean"))
    scores_NK = training.outputs(training.train)["scores"]
    embedding_ND = training.embeddings(training.train)
    for row, text in enumerate(TEXTS):
        alone = training.job.task.encode({"text": [text]}, training.tokenizer, 64)
        np.testing.assert_allclose(training.outputs(alone)["scores"][0], scores_NK[row], atol=1e-5)
        np.testing.assert_allclose(training.embeddings(alone)[0], embedding_ND[row], atol=1e-4)


def test_dropout_is_the_options(tiny_start: Path, tmp_path: Path):
    options = TrainOptions(threads=1, dropout=0.0)
    training = EncoderTraining(job(tmp_path, options=options), tiny_start, Head(num_labels=2, pooling="mean"))
    rates = {module.p for module in training.model.modules() if type(module).__name__ == "QuickDropout"}
    assert rates == {0.0}
