"""What a row counts in training: as many rows as its weight says, however a step is cut, or the method is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from tests.train.test_encoder import TEXTS, job

from oreline.data.dataset import Dataset
from oreline.data.refine import refine
from oreline.errors import DataError, UsageError
from oreline.evaluate.estimates import point_values
from oreline.models.heads.sequence_classification import Head
from oreline.models.heads.token_classification import Head as TokenHead
from oreline.recipe import TrainOptions
from oreline.runtime.open import open_runtime
from oreline.tasks.text_classification import Task
from oreline.tasks.token_classification import Task as Tags
from oreline.train.encoder import EncoderTraining
from oreline.train.finetune import finetune
from oreline.train.job import Rows
from oreline.train.linear import fit
from oreline.train.loop import _gradients
from oreline.train.pretrain import pretrain
from oreline.train.weights import refuse_unweighed, row_weights, weighted_sentence
from oreline.types import Event, OnEvent, ignore

WEIGHTS = np.asarray([0.5, 2.0, 1.0, 0.5], np.float32)


def weights_of(*given: Any) -> list[float] | None:
    found = row_weights(pl.DataFrame({"weight": list(given)}, strict=False))
    return found if found is None else found.tolist()


def test_weights_have_mean_one_and_only_their_ratios_count() -> None:
    assert weights_of(1, 3) == weights_of("10", "30") == [0.5, 1.5]
    assert weights_of(2.0, 2.0) is weights_of(None, 1) is weights_of() is None
    assert weights_of(None, 0.0) == [2.0, 0.0]
    assert row_weights(pl.DataFrame({"text": ["a"]})) is None
    frame = pl.DataFrame({"weight": [0.5, None, 2.0]})
    said = weighted_sentence(row_weights(frame), frame)
    assert "from 0.5 to 2, as 0.43 to 1.71 rows each" in said
    assert "train.row_weights=false" in said


@pytest.mark.parametrize("wrong", ["12 kg", "nan", "inf", "-1"])
def test_what_is_no_weight_names_its_row(wrong: str) -> None:
    with pytest.raises(DataError, match=f"weight is '{wrong}'") as caught:
        weights_of("1", None, wrong)
    assert caught.value.row == 2
    assert "train.row_weights=false" in caught.value.remedy
    with pytest.raises(DataError, match="every row has the weight 0"):
        weights_of(0, 0)


def gradient(training: EncoderTraining, parts: list[list[int]]) -> torch.Tensor:
    training.model.eval()
    training.model.zero_grad()
    batches = [training.batch(training.pieces, np.asarray(rows), training.targets) for rows in parts]
    loss = _gradients(training.model, batches, training.regularized.loss, bf16=False)
    grads = [p.grad.flatten() for p in training.model.parameters() if p.grad is not None]
    return torch.cat([loss.reshape(1), *grads])


def test_a_weighted_step_is_the_same_however_it_is_cut(tiny_start: Path, tmp_path: Path) -> None:
    weighted = Rows({"text": TEXTS}, np.array([1, 0, 1, 0]), weights_N=WEIGHTS)
    training = EncoderTraining(job(tmp_path, train=weighted), tiny_start, Head(num_labels=2))
    whole = gradient(training, [[0, 1, 2, 3]])
    for parts in ([[0], [1], [2], [3]], [[3, 1], [0, 2]], [[2, 1, 0], [3]]):
        torch.testing.assert_close(gradient(training, parts), whole, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("soft", [False, True], ids=["labels", "shares"])
@pytest.mark.parametrize("options", [{}, {"regularizers": [{"r_drop": {"alpha": 2.0}}]}, {"class_weights": "none"}])
def test_a_weight_of_two_is_the_row_twice(
    tiny_start: Path, tmp_path: Path, options: dict[str, Any], soft: bool
) -> None:
    given = TrainOptions(threads=1, **options)  # `gradient` drops nothing
    shares_NK = np.array([[0.1, 0.9], [0.7, 0.3], [0.4, 0.6], [0.7, 0.3]], np.float32) if soft else None
    weights_N = np.asarray([0.75, 1.5, 0.75], np.float32)
    some_NK = None if shares_NK is None else shares_NK[:3]
    weighted = Rows({"text": TEXTS[:3]}, np.array([1, 0, 1]), some_NK, weights_N)
    twice = Rows({"text": [*TEXTS[:3], TEXTS[1]]}, np.array([1, 0, 1, 0]), shares_NK)
    found = [
        gradient(EncoderTraining(job(tmp_path, train=rows, options=given), tiny_start, Head(num_labels=2)), [parts])
        for rows, parts in ((weighted, [0, 1, 2]), (twice, [0, 1, 2, 3]))
    ]
    torch.testing.assert_close(found[0], found[1], atol=1e-6, rtol=1e-4)


def test_windows_of_a_long_row_count_as_the_row_does(tiny_start: Path, tmp_path: Path) -> None:
    texts = [" ".join(["the great film"] * 12), "a dull plot"]
    words = [len(text.split()) for text in texts]
    tags = np.empty(2, object)
    tags[:] = [np.zeros(number, np.int64) for number in words]
    rows = Rows({"text": texts}, tags, weights_N=np.asarray([1.5, 0.5], np.float32))
    given = job(
        tmp_path, task=Tags(labels=["O", "B-x", "I-x"]), train=rows, options=TrainOptions(threads=1, max_tokens=16)
    )
    training = EncoderTraining(given, tiny_start, TokenHead(num_labels=3))
    assert len(training.pieces.ids) > 2
    assert training.weights_N.tolist() == [1.5] * (len(training.pieces.ids) - 1) + [0.5]


@pytest.mark.parametrize("view", ["classes", "labels", "numbers"])
def test_layers_on_fixed_features_count_rows_by_weight(tmp_path: Path, view: str) -> None:
    source = np.random.default_rng(0)
    features, counts = source.normal(size=(40, 3)), source.integers(1, 4, 40)
    targets = {
        "classes": (features[:, 0] + source.normal(size=40) > 0).astype(np.int64),
        "labels": (features[:, :2] + source.normal(size=(40, 2)) > 0).astype(np.float32),
        "numbers": features[:, 0] + source.normal(size=40),
    }[view]

    class Viewed(Task):
        labels = ("a", "b")  # type: ignore[assignment]

    Viewed.view = view  # type: ignore[misc]
    base = job(tmp_path, task=Viewed(labels=["a", "b"]))
    repeated = np.repeat(np.arange(40), counts)
    # The penalty counts beside the sum over rows, so that the weights here are the counts themselves.
    weighted = replace(base, train=Rows({}, targets, weights_N=counts.astype(np.float32)))
    twice = replace(base, train=Rows({}, targets[repeated]))
    one, other = (
        fit(made, rows, [1.0], max_iterations=5000)[0]
        for made, rows in ((weighted, features), (twice, features[repeated]))
    )
    np.testing.assert_allclose(one.weight_KF, other.weight_KF, atol=2e-3)
    np.testing.assert_allclose(one.bias_K, other.bias_K, atol=2e-3)


def contradicting(folder: Path, weights: tuple[float, float] | None) -> Dataset:
    """Every text has both labels: from one source the one, from the other source the other."""
    rows = [{"path": str(folder / f"{label}.csv"), "name": label} for label in ("good", "bad")]
    for label in ("good", "bad"):
        lines = "".join(f"the film number {number},{label}\n" for number in range(40))
        (folder / f"{label}.csv").write_text("text,label\n" + lines)
    if weights is not None:
        rows = [{**row, "weight": weight} for row, weight in zip(rows, weights)]
    out = folder / f"data-{weights}"
    return refine({"train": rows}, operators=[], split={}, out=out)


def train(data: Dataset, out: Path, method: str, start: Path | None, on_event: OnEvent = ignore, **options: Any) -> Any:
    made = TrainOptions(**({"epochs": 6, "threads": 1, "learning_rate": 5e-3} | options))
    given: dict[str, Any] = {"options": made, "score": point_values, "task": "text_classification"}
    return finetune(start, data, method=method, out=out, on_event=on_event, **given)


@pytest.mark.parametrize("method", ["full", "head", "linear"])
def test_where_sources_contradict_each_other_the_heavier_one_is_believed(
    method: str, tiny_start: Path, tmp_path: Path
) -> None:
    start = None if method == "linear" else tiny_start
    found = {}
    for weights in ((3.0, 1.0), (1.0, 3.0)):
        artifact = train(contradicting(tmp_path, weights), tmp_path / f"{method}-{weights}", method, start)
        runtime = open_runtime(artifact)
        scores = runtime.predict({"text": ["the film number 7", "the film number 99"]}).outputs["scores"]
        found[weights] = scores[:, runtime.task.labels.index("good")]
    assert (found[3.0, 1.0] > 0.6).all()
    assert (found[1.0, 3.0] < 0.4).all()


def test_equal_weights_and_weights_left_aside_change_no_byte(tiny_start: Path, tmp_path: Path) -> None:
    plain = train(contradicting(tmp_path, None), tmp_path / "plain", "full", tiny_start, epochs=1)
    data = contradicting(tmp_path, (3.0, 1.0))
    aside = train(data, tmp_path / "aside", "full", tiny_start, epochs=1, row_weights=False)
    equal = train(contradicting(tmp_path, (2.0, 2.0)), tmp_path / "equal", "full", tiny_start, epochs=1)
    sums = {made.manifest.files["model.safetensors"]["sha256"] for made in (plain, aside, equal)}
    assert len(sums) == 1


class KilledError(BaseException):
    """What stops a run in the middle."""


def test_a_weighted_run_that_goes_on_ends_in_the_same_bytes(tiny_start: Path, tmp_path: Path) -> None:
    data = contradicting(tmp_path, (3.0, 1.0))
    options = {"epochs": 1, "checkpoint_every_s": 1e-6}

    def kill(event: Event) -> None:
        if event.step == 2 and "loss" in event.values:
            raise KilledError

    whole = train(data, tmp_path / "whole", "full", tiny_start, **options)
    with pytest.raises(KilledError):
        train(data, tmp_path / "again", "full", tiny_start, on_event=kill, **options)
    said: list[str] = []
    again = train(data, tmp_path / "again", "full", tiny_start, lambda event: said.append(event.message), **options)
    assert any("continuing at step 1" in message for message in said)
    assert again.manifest.files["model.safetensors"] == whole.manifest.files["model.safetensors"]


def test_a_source_without_a_weight_counts_as_one(tmp_path: Path) -> None:
    contradicting(tmp_path, None)
    parts = [{"path": str(tmp_path / "good.csv")}, {"path": str(tmp_path / "bad.csv"), "weight": 3}]
    data = refine(parts, operators=[], split={}, out=tmp_path / "mixed")
    frame = data.frame("all", ["weight", "label"])
    assert set(frame.rows()) == {(None, "good"), (3.0, "bad")}
    said: list[Event] = []
    finetune(None, data, method="linear", task="text_classification", out=tmp_path / "model", score=point_values, on_event=said.append)  # fmt: skip
    assert any("from 1 to 3" in event.message for event in said)


def test_who_counts_all_rows_the_same_refuses_weights(tiny_start: Path, tmp_path: Path) -> None:
    data = contradicting(tmp_path, (3.0, 1.0))
    with pytest.raises(UsageError, match="the method 'contrastive' counts all rows the same") as caught:
        train(data, tmp_path / "a", "contrastive", tiny_start)
    assert "full" in caught.value.allowed
    assert "train.row_weights=false" in caught.value.remedy
    with pytest.raises(UsageError, match="pretrain counts all rows the same"):
        pretrain(data, start=tiny_start, out=tmp_path / "b")
    with pytest.raises(UsageError, match="counts words, not rows"):
        refuse_unweighed(type("Any", (), {"weighs": True})(), "full", "seq2seq")
    refuse_unweighed(type("Any", (), {"trains": False})(), "zero_shot", "text_classification")
