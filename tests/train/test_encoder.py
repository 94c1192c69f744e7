"""What the gradient methods share: the start's own pooling, the tokenizer's files, rows in their order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from oreline.errors import ResourceError, UsageError
from oreline.models.heads.sequence_classification import Head
from oreline.models.load import load_classifier, save_model
from oreline.recipe import TrainOptions
from oreline.tasks.relation import Task as Relation
from oreline.tasks.text_classification import Task
from oreline.tasks.text_classification import Task as Classes
from oreline.train.batches import few_widths
from oreline.train.encoder import EncoderTraining, copy_tokenizer, pooling_of
from oreline.train.freeze import freeze
from oreline.train.job import Job, Rows
from oreline.train.workspace import Workspace
from oreline.types import Event

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
    assert pooling_of(tmp_path, Classes(labels=["a", "b"])) == pooling
    assert pooling_of(tmp_path, Relation(labels=["a", "b"])) == "marks"


def test_a_head_that_goes_on_keeps_what_it_reads(tiny_start: Path, tmp_path: Path):
    save_model(load_classifier(tiny_start, 2, pooling="max"), tmp_path)
    assert pooling_of(tmp_path, Relation(labels=["a", "b"])) == "max"
    assert pooling_of(tmp_path, Relation(labels=["a", "b", "c"])) == "marks"  # it begins anew


def test_a_broken_pooling_file_says_nothing(tmp_path: Path):
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text("{")
    assert pooling_of(tmp_path, Classes(labels=["a", "b"])) is None


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


class Hungry(Head):
    """Runs out of memory once in step number `fails_in`, above a number of padded tokens, while it trains."""

    def __init__(self, fails_in: int, limit: int) -> None:
        super().__init__(num_labels=2, pooling="mean")
        self.fails_in, self.limit, self.seen, self.shapes = fails_in, limit, [], []
        self.training_steps = 0

    def loss(self, model, batch):
        self.seen.append(batch.ids_BT.numel())
        self.shapes.append(tuple(batch.ids_BT.shape))
        found = super().loss(model, batch)
        if self.training_steps >= self.fails_in and batch.ids_BT.numel() > self.limit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return found


def trained(start: Path, work: Path, head: Head, *, frozen: int = 0, **changes):
    """Train on rows of many lengths; returns the training, its outcome, losses by step, and what was said."""
    rows = 24
    texts = [" ".join(TEXTS[row % 4].split() * (1 + row % 5)) for row in range(rows)]
    losses, said = {}, []

    def watch(event: Event) -> None:
        said.append(event.message)
        if event.stage == "train" and "loss" in event.values:
            losses[event.step] = event.values["loss"]
            head.training_steps = event.step

    work.mkdir(exist_ok=True)
    given = {"threads": 1, "epochs": 2, "rows_per_step": 8, "dropout": 0.0, "learning_rate": 1e-3, "precision": "fp32"}
    training = EncoderTraining(
        job(
            work,
            train=changes.pop("train", Rows({"text": texts}, np.arange(rows) % 2)),
            options=TrainOptions(**given | changes.pop("options", {})),
            on_event=watch,
            **changes,
        ),
        start,
        head,
    )
    freeze(training.model, layers=frozen)
    return training, training.fit(1e-3), losses, said


def weights_apart(one: EncoderTraining, other: EncoderTraining) -> float:
    theirs = other.model.state_dict()
    return max(float((value - theirs[name]).abs().max()) for name, value in one.model.state_dict().items())


@pytest.mark.parametrize("frozen", [0, 1])
def test_a_step_that_runs_out_of_memory_is_made_in_smaller_passes(frozen: int, tiny_start: Path, tmp_path: Path):
    head = Hungry(fails_in=2, limit=150)
    whole, outcome, losses, said = trained(tiny_start, tmp_path / "halved", head, frozen=frozen)
    halved = outcome.resolved["token_budget_halved"]
    assert outcome.resolved["token_budget"] == 2048
    assert min(map(int, halved)) >= 2
    assert any("ran out of memory" in message for message in said)
    assert len(losses) == 6
    small, _, expected, _ = trained(
        tiny_start, tmp_path / "small", Head(num_labels=2, pooling="mean"), frozen=frozen, options={"token_budget": 150}
    )
    assert weights_apart(whole, small) < 2e-5
    assert losses == pytest.approx(expected, rel=1e-4)
    # What was resolved makes the same bits again, without running out of memory.
    again, repeated, same, told = trained(
        tiny_start,
        tmp_path / "again",
        Head(num_labels=2, pooling="mean"),
        frozen=frozen,
        resolved=json.loads(json.dumps(outcome.resolved)),
    )
    assert weights_apart(whole, again) == 0.0
    assert (same, repeated.resolved) == (losses, outcome.resolved)
    assert not any("ran out of memory" in message for message in told)


@pytest.mark.parametrize("frozen", [0, 1])
def test_long_rows_train_in_few_widths_in_bf16_on_a_cpu(frozen: int, tiny_start: Path, tmp_path: Path):
    lengths = list(range(60, 110))
    given = {"train": Rows({"text": ["film " * (length - 2) for length in lengths]}, np.arange(len(lengths)) % 2)}
    shapes = {}
    for precision in ("bf16", "fp32"):
        head, options = Hungry(fails_in=99, limit=0), {"max_tokens": 100, "precision": precision}
        training, *_ = trained(tiny_start, tmp_path / precision, head, frozen=frozen, options=options, **given)
        shapes[precision] = {width for _, width in head.shapes[-14:]}  # those before are the forecast's
    assert shapes["bf16"] == {80, 96, 100}
    assert shapes["fp32"] == {67, 75, 83, 91, 99, 100}
    rows, training.frozen = np.arange(8, 14), None
    narrow = training.batch(training.pieces, rows, training.targets)
    training.widths_N = few_widths(training.lengths_N, 100)
    wide = training.batch(training.pieces, rows, training.targets)
    assert (narrow.ids_BT.shape, wide.ids_BT.shape) == ((6, 73), (6, 80))
    with torch.inference_mode():
        losses = [float(training.head.loss(training.model.eval(), batch)) for batch in (narrow, wide)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_with_dropout_a_halved_step_draws_the_same_numbers_when_it_is_made_again(tiny_start: Path, tmp_path: Path):
    options = {"dropout": 0.3}
    whole, outcome, _, _ = trained(tiny_start, tmp_path / "a", Hungry(fails_in=2, limit=150), options=options)
    plain = Head(num_labels=2, pooling="mean")
    again = trained(tiny_start, tmp_path / "b", plain, options=options, resolved=outcome.resolved)[0]
    assert weights_apart(whole, again) == 0.0


def test_a_row_that_does_not_fit_alone_is_an_error_with_a_remedy(tiny_start: Path, tmp_path: Path):
    with pytest.raises(ResourceError, match=r"one row of .* tokens") as told:
        trained(tiny_start, tmp_path, Hungry(fails_in=2, limit=1))
    assert "gradient_checkpointing" in told.value.remedy


def test_a_trial_that_runs_out_of_memory_halves_the_budget_before_the_first_step(tiny_start: Path, tmp_path: Path):
    head = Hungry(fails_in=0, limit=150)
    _, outcome, losses, said = trained(tiny_start, tmp_path, head)
    assert outcome.resolved["token_budget_halved"]["0"] <= 150
    assert [message for message in said if "a trial ran out of memory" in message]
    assert len(losses) == 6


def test_checkpointing_changes_no_bit(tiny_start: Path, tmp_path: Path):
    options = {"dropout": 0.3}
    plain = trained(tiny_start, tmp_path / "a", Head(num_labels=2, pooling="mean"), options=options)
    options["gradient_checkpointing"] = True
    checkpointed = trained(tiny_start, tmp_path / "b", Head(num_labels=2, pooling="mean"), options=options)
    assert weights_apart(plain[0], checkpointed[0]) == 0.0
    assert plain[2] == checkpointed[2]


def test_checkpointing_beside_weights_that_move_is_refused(tiny_start: Path, tmp_path: Path):
    options = TrainOptions(threads=1, gradient_checkpointing=True, regularizers=["awp"])
    with pytest.raises(UsageError, match="awp"):
        EncoderTraining(job(tmp_path, options=options), tiny_start, Head(num_labels=2, pooling="mean"))


def test_r_drop_where_nothing_is_dropped_is_refused(tiny_start: Path, tmp_path: Path):
    options = TrainOptions(threads=1, dropout=0.0, regularizers=["r_drop"])
    with pytest.raises(UsageError, match="nothing is dropped here"):
        EncoderTraining(job(tmp_path, options=options), tiny_start, Head(num_labels=2, pooling="mean"))
    for entries, dropout in ((["r_drop"], 0.1), ([{"r_drop": {"alpha": 0}}], 0.0), (["ema"], 0.0)):
        kept = TrainOptions(threads=1, dropout=dropout, regularizers=entries)
        EncoderTraining(job(tmp_path, options=kept), tiny_start, Head(num_labels=2, pooling="mean"))
