"""What is measured before the first step leaves no trace, and says what belongs to the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from oreline import registry
from oreline.models.heads.sequence_classification import Head
from oreline.recipe import TrainOptions
from oreline.runtime.batching import length_batches
from oreline.tasks import seq2seq
from oreline.tasks.text_classification import Task
from oreline.train import foretell
from oreline.train.budget import Budget
from oreline.train.encoder import EncoderTraining
from oreline.train.generator import GeneratorTraining
from oreline.train.job import Job, Rows
from oreline.train.passes import Passes
from oreline.train.workspace import Workspace
from oreline.types import Event

TEXTS = ["the great film", "a dull and lifeless story with a weak plot", "superb", "the awful movie"] * 6
ADAMW = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])
"""What is built before a forecast; of AdamW nothing is asked."""


def opened(
    start: Path, work: Path, seen: list[Event], *, task=None, make=EncoderTraining, **options
) -> tuple[EncoderTraining, Passes]:
    rows = Rows({"text": TEXTS}, np.arange(len(TEXTS)) % 2 if task is None else np.array(TEXTS, dtype=object))
    job = Job(
        task=task or Task(labels=["bad", "good"]),
        start=start,
        train=rows,
        dev=rows,
        options=TrainOptions(threads=1, rows_per_step=8, **options),
        seed=0,
        work=Workspace(work),
        logs=work / "logs",
        score=lambda *_: {"accuracy": 0.5},
        resolved=None,
        on_event=seen.append,
    )
    head = Head(num_labels=2, pooling="mean") if task is None else registry.create("head", task.head)
    training = make(job, start, head)
    budget = Budget({"token_budget": 64}, lambda found: None)
    passes = Passes(training.lengths_N, job.options, 0, budget, lambda rows: training.sample(rows, bf16=False), job.say)
    return training, passes


def test_the_forecast_is_an_event_and_leaves_no_trace(tiny_start: Path, tmp_path: Path):
    seen: list[Event] = []
    training, passes = opened(tiny_start, tmp_path, seen, epochs=2)
    weights = {name: value.clone() for name, value in training.model.state_dict().items()}
    state = torch.get_rng_state()
    assert foretell.foretold_steps(training, passes, training.regularized.loss, ADAMW, bf16=False) == 6
    told = seen[-1]
    assert (told.stage, told.values["steps"], told.values["rows"]) == ("forecast", 6, len(TEXTS))
    assert told.values["whole_s"] > told.values["end_s"] > 0
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, weights[name]) for name, value in training.model.state_dict().items())
    bounded, passes = opened(tiny_start, tmp_path, seen, epochs=2, minutes=1e-6)
    assert foretell.foretold_steps(bounded, passes, bounded.regularized.loss, ADAMW, bf16=False) == 1


def test_what_will_not_fit_is_warned_of(tiny_start: Path, tmp_path: Path, monkeypatch):
    seen: list[Event] = []
    training, passes = opened(tiny_start, tmp_path, seen)
    monkeypatch.setattr(foretell, "free_bytes", lambda device: 1 << 10)
    monkeypatch.setattr(foretell, "held_bytes", lambda device: 0)
    foretell.foretold_steps(training, passes, training.regularized.loss, ADAMW, bf16=False)
    assert "0.0 are free" in seen[-1].message
    assert "gradient_checkpointing" in seen[-1].message


def test_the_probe_takes_no_more_than_a_step_has(tiny_start: Path, tmp_path: Path, monkeypatch):
    training, passes = opened(tiny_start, tmp_path, [])
    monkeypatch.setattr("oreline.train.budget.release_memory", lambda device: None)
    state = torch.get_rng_state()
    found = foretell.probed_budget(training, passes, training.regularized.loss, bf16=False)
    assert 0 < found <= 8 * training.lengths_N.max()
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("dev_texts", [0, 3, 100])
def test_a_scoring_of_what_writes_answers_only_the_rows_it_is_asked_to(
    dev_texts: int, tiny_t5: Path, tmp_path: Path, monkeypatch
):
    training, _ = opened(tiny_t5, tmp_path, [], dev_texts=dev_texts, task=seq2seq.Task(), make=GeneratorTraining)
    monkeypatch.setattr(training, "outputs", lambda encoded: pytest.fail("nothing is written to measure a loss"))
    answered = min(dev_texts, len(TEXTS))
    assert answered * 1e6 < training.scoring_s(row_s=1e6) < (answered + 1) * 1e6


def test_reading_is_measured_a_row(tiny_start: Path, tmp_path: Path):
    training, _ = opened(tiny_start, tmp_path, [])
    row_s, memory_bytes = foretell.measured_reading(training)
    assert 0 < row_s < 1
    assert memory_bytes > 1 << 27


def test_reading_is_reckoned_by_padded_tokens(tiny_start: Path, tmp_path: Path, monkeypatch):
    """The sample's few rows share batches although their lengths differ; all rows together hardly need padding."""
    training, _ = opened(tiny_start, tmp_path, [])
    clock = [0.0]

    def read(encoded) -> None:
        lengths_N = np.array([len(ids) for ids in encoded.ids])
        parts = length_batches(lengths_N, training.predict_tokens)
        clock[0] += sum(len(part) * lengths_N[part].max() for part in parts)

    monkeypatch.setattr(training, "predict_tokens", 64)
    monkeypatch.setattr(training, "embeddings", read)
    monkeypatch.setattr(foretell.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(foretell, "_READ_ROWS", 6)
    row_s, _ = foretell.measured_reading(training)
    clock[0] = 0.0
    read(training.pieces)
    assert row_s * len(TEXTS) == pytest.approx(clock[0])
