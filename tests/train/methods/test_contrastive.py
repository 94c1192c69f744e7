"""Contrastive fine-tuning: what it learns from, what it refuses, and that a killed run continues to the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.hungry import Hunger

import oreline as ore
from oreline.errors import ResourceError, UsageError
from oreline.evaluate.estimates import point_values
from oreline.recipe import TrainOptions
from oreline.runtime.open import open_runtime
from oreline.train.contrast import ContrastHead
from oreline.train.finetune import finetune
from oreline.train.methods.contrastive import Method
from oreline.train.resources import forecast
from oreline.types import Event

OPTIONS = TrainOptions(epochs=1, threads=1, learning_rate=1e-3)


def few(reviews: Any, per_class: int = 8) -> pl.DataFrame:
    frame = reviews.frame("train", ["row_id", "text", "label"])
    return pl.concat([part.head(per_class) for part in frame.partition_by("label", maintain_order=True)])


def train(start: Path, reviews: Any, out: Path, **given: Any) -> Any:
    given = {"method_options": {"steps": 10}, "options": OPTIONS, "rows": few(reviews), **given}
    return finetune(
        start, reviews, task="text_classification", method="contrastive", out=out, score=point_values, **given
    )


def test_it_learns_from_few_rows_and_opens_as_any_artifact(reviews, tiny_start: Path, tmp_path: Path):
    model = train(tiny_start, reviews, tmp_path / "model", rows=few(reviews, 30), method_options={"steps": 60})
    test = reviews.frame("test")
    runtime = open_runtime(model)
    scores_NK = runtime.predict({"text": test["text"].to_list()}).outputs["scores"]
    assert (scores_NK.argmax(1) == runtime.task.encode_target(test["label"].to_list())).mean() > 0.8
    assert model.has("head.safetensors")
    assert model.measurements()["steps"] == 60


@pytest.mark.parametrize(
    ("num_classes", "given", "used"), [(10, None, "squared"), (11, None, "softmax"), (3, "softmax", "softmax")]
)
def test_many_classes_are_told_apart_all_at_once(
    num_classes, given, used, tiny_start: Path, tmp_path: Path, monkeypatch
):
    seen: list[str] = []
    plain = ContrastHead.__init__
    monkeypatch.setattr(ContrastHead, "__init__", lambda self, **its: seen.append(its["loss"]) or plain(self, **its))
    labels = [f"class{number % num_classes}" for number in range(2 * num_classes)]
    rows = pl.DataFrame(
        {
            "row_id": [f"a:{i}" for i in range(len(labels))],
            "text": [f"a film {i}" for i in range(len(labels))],
            "label": labels,
        }
    )
    data = ore.refine({"train": rows.drop("row_id")}, split={}, operators=[], out=tmp_path / "data")
    train(tiny_start, data, tmp_path / "model", rows=rows, method_options={"steps": 1, "loss": given})
    assert seen == [used]


def test_every_text_is_encoded_once_a_step(reviews, tiny_start: Path, tmp_path: Path, monkeypatch):
    seen: list[Event] = []
    made: list[int] = []
    plain = ContrastHead.loss

    def counted(head: ContrastHead, model: Any, batch: Any) -> Any:
        read: list[int] = []
        hook = model.register_forward_pre_hook(
            lambda _, __, given: read.append(len(given["input_ids"])), with_kwargs=True
        )
        found = plain(head, model, batch)
        hook.remove()
        made.append(sum(read))
        assert made[-1] == batch.num_rows
        return found

    monkeypatch.setattr(ContrastHead, "loss", counted)
    train(tiny_start, reviews, tmp_path / "model", on_event=seen.append)
    steps = [number for number, event in enumerate(seen) if "loss" in event.values]
    assert len(steps) == len(made) == 10, "what the forecast measures is the first step"
    [told] = [number for number, event in enumerate(seen) if event.stage == "forecast"]
    assert told < steps[0]
    assert "10 steps over 16 rows (10 epochs)" in seen[told].message
    assert seen[told].values["whole_s"] > seen[told].values["end_s"] > 0


def test_a_killed_run_continues_to_the_same_bytes(reviews, tiny_start: Path, tmp_path: Path):
    options = OPTIONS.model_copy(update={"checkpoint_every_s": 1e-9, "dropout": 0.1})

    def kill(event: Event) -> None:
        if event.step == 4 and "loss" in event.values:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny_start, reviews, tmp_path / "killed", options=options, on_event=kill)
    seen: list[Event] = []
    killed = train(tiny_start, reviews, tmp_path / "killed", options=options, on_event=seen.append)
    whole = train(tiny_start, reviews, tmp_path / "whole", options=options)
    assert any("continuing at step" in event.message for event in seen)
    for file in ("model.safetensors", "head.safetensors"):
        assert killed.manifest.files[file] == whole.manifest.files[file]


@pytest.mark.parametrize(("steps", "dropout"), [(10, 0.0), (25, 0.3)])
def test_a_step_that_runs_out_of_memory_goes_on_through_cached_gradients(
    steps: int, dropout: float, reviews, tiny_start: Path, tmp_path: Path, monkeypatch
):
    """A run of ten steps foretells itself on its first step, one of 25 by a trial."""
    options = OPTIONS.model_copy(update={"dropout": dropout, "precision": "fp32", "rows_per_step": 16})
    given: dict[str, Any] = {"options": options, "method_options": {"steps": steps}}
    plain = Hunger(monkeypatch, ContrastHead, "loss", fails_in=1 << 30, limit=0)
    train(tiny_start, reviews, tmp_path / "whole", on_event=plain.watch, **given)
    monkeypatch.undo()
    hungry = Hunger(monkeypatch, ContrastHead, "loss", fails_in=4, limit=120)
    made = train(tiny_start, reviews, tmp_path / "halved", on_event=hungry.watch, **given)
    monkeypatch.undo()
    resolved = made.manifest.recipe["resolved"]
    assert min(map(int, resolved["token_budget_halved"])) == 4
    assert any("step 5 ran out of memory" in message for message in hungry.said)
    assert len(hungry.tokens) > steps - 4, "several passes a step"
    assert hungry.losses.keys() == plain.losses.keys()
    if not dropout:  # each step has the loss that it has in one pass; dropped units depend on the passes
        assert hungry.losses == pytest.approx(plain.losses, rel=1e-3)
    assert {step: hungry.losses[step] for step in range(1, 5)} == {step: plain.losses[step] for step in range(1, 5)}
    again = train(tiny_start, reviews, tmp_path / "again", resolved=resolved, **given)
    for file in ("model.safetensors", "head.safetensors"):
        assert again.manifest.files[file] == made.manifest.files[file]


def test_the_first_step_may_run_out_of_memory_too(reviews, tiny_start: Path, tmp_path: Path, monkeypatch):
    hungry = Hunger(monkeypatch, ContrastHead, "loss", fails_in=0, limit=120)
    made = train(tiny_start, reviews, tmp_path / "m", on_event=hungry.watch)
    assert list(made.manifest.recipe["resolved"]["token_budget_halved"]) == ["0"]
    assert any("step 1 ran out of memory" in message for message in hungry.said)
    assert any("10 steps over 16 rows" in message for message in hungry.said)


@pytest.mark.parametrize("regularizer", ["fgm", "awp"])
def test_what_cannot_be_cached_is_an_error_where_memory_runs_out(
    regularizer: str, reviews, tiny_start: Path, tmp_path: Path, monkeypatch
):
    hungry = Hunger(monkeypatch, ContrastHead, "loss", fails_in=2, limit=120)
    options = OPTIONS.model_copy(update={"regularizers": [regularizer]})
    with pytest.raises(ResourceError, match=r"a step of \d+ rows"):
        train(tiny_start, reviews, tmp_path / "m", options=options, on_event=hungry.watch)


def test_what_was_resolved_gives_the_same_bytes(reviews, tiny_start: Path, tmp_path: Path):
    first = train(tiny_start, reviews, tmp_path / "first")
    again = train(tiny_start, reviews, tmp_path / "again", resolved=first.manifest.recipe["resolved"])
    assert again.manifest.files["head.safetensors"] == first.manifest.files["head.safetensors"]


def test_descriptions_take_part(reviews, tiny_start: Path, tmp_path: Path):
    made = [
        train(tiny_start, reviews, tmp_path / name, method_options={"steps": 2, **options})
        for name, options in (
            ("names", {}),
            ("none", {"names": False}),
            ("described", {"descriptions": {"fresh": ["a great film", "superb"], "rotten": "a dull film"}}),
        )
    ]
    assert len({model.manifest.files["model.safetensors"]["sha256"] for model in made}) == 3


def test_it_is_updated_and_takes_minutes(reviews, tiny_start: Path, tmp_path: Path):
    base = train(tiny_start, reviews, tmp_path / "base")
    options = OPTIONS.model_copy(update={"minutes": 1e-6})
    fresh = train(base.path, reviews, tmp_path / "fresh", options=options)
    assert fresh.measurements()["steps"] == 1
    assert np.isfinite(open_runtime(fresh).predict({"text": ["a film"]}).outputs["scores"]).all()


def test_what_it_cannot_do_is_refused(reviews, tiny_start: Path, tmp_path: Path):
    for options in ({"steps": -1}, {"rows_per_class": 0}):
        with pytest.raises(UsageError, match="contrastive: steps"):
            Method(**options)
    with pytest.raises(UsageError, match="description of the label 'fresk'"):
        train(tiny_start, reviews, tmp_path / "m", method_options={"descriptions": {"fresk": "good"}})
    with pytest.raises(UsageError, match="loss of its own"):
        train(tiny_start, reviews, tmp_path / "m", options=OPTIONS.model_copy(update={"focal_gamma": 2.0}))
    pairs = {
        "text": ["a film", "a plot"] * 8,
        "text_pair": [f"the story {n}" for n in range(16)],
        "label": ["x", "y"] * 8,
    }
    with pytest.raises(UsageError, match="reads one plain text a row"):
        ore.finetune(str(tiny_start), pairs, task="pair", method="contrastive", out=tmp_path / "m")


@pytest.mark.parametrize(("classes", "steps"), [(2, 5), (3, 9), (4, 15), (150, 15)])
def test_more_classes_take_more_steps(classes: int, steps: int):
    assert Method()._least_steps(classes) == steps
    assert Method(steps=3)._least_steps(classes) == 3


def test_the_forecast_of_a_longer_run_has_the_gradients_of_training(reviews, tiny_start, tmp_path, monkeypatch):
    monkeypatch.setattr("oreline.train.optimizers.adamw._LARGE_TABLE_ROWS", 1)
    sparse: list[bool] = []

    def seen(model: Any, *given: Any, **options: Any) -> Any:
        sparse.append(model.encoder.get_input_embeddings().sparse)
        return forecast(model, *given, **options)

    monkeypatch.setattr("oreline.train.methods.contrastive.forecast", seen)
    train(tiny_start, reviews, tmp_path / "m", method_options={"steps": 20})
    assert sparse == [True]
