"""Folds, what is said of rows out of fold, and the one model that learns from it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.killed import interrupted

import oreline as ore
from oreline import store
from oreline.errors import UsageError
from oreline.models.members import unpack
from oreline.runtime.open import open_runtime, open_task
from oreline.train.inner import Inner
from oreline.train.job import Rows
from oreline.train.methods.k_fold import OUT_OF_FOLD, folds_of
from oreline.types import Event

FEW: dict[str, Any] = {"epochs": 0.5, "threads": 1}


@pytest.mark.parametrize("seed", range(20))
def test_every_class_is_spread_evenly_over_the_folds(seed: int) -> None:
    source = np.random.default_rng(seed)
    targets_N, folds = source.integers(0, 4, size=source.integers(1, 60)), int(source.integers(2, 7))
    fold_N = folds_of(targets_N, folds, seed=seed)
    assert (fold_N == folds_of(targets_N, folds, seed=seed)).all()
    assert np.ptp(np.bincount(fold_N, minlength=folds)) <= 1
    for label in set(targets_N.tolist()):
        assert np.ptp(np.bincount(fold_N[targets_N == label], minlength=folds)) <= 1


def test_one_model_comes_out_and_an_interrupted_training_ends_in_the_same_bytes(
    reviews, tiny_start: Path, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"method": "k_fold", "method_options": {"folds": 2, "mix": 0.3}, "train": FEW}
    whole = ore.finetune(tiny_start, reviews, **given, out=tmp_path / "whole")
    train = reviews.frame("train")
    frame = pl.read_parquet(whole.path / OUT_OF_FOLD)
    assert frame.height == train.height
    assert frame["label"].to_list() == train["label"].to_list()
    shares = np.array(frame["scores"].to_list())
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-5)
    right = (frame["label"] == frame["answer"]).mean()
    assert whole.measurements()["out_of_fold_accuracy"] == pytest.approx(right, abs=1e-4)
    assert {*whole.manifest.recipe["resolved"]["inner"]} == {"round-1-fold-1", "round-1-fold-2", "student"}

    def interrupt(event: Event) -> None:
        if "without fold 2" in event.message:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ore.finetune(tiny_start, reviews, **given, out=tmp_path / "parts", on_event=interrupt)
    said: list[str] = []
    parts = ore.finetune(
        tiny_start, reviews, **given, out=tmp_path / "parts", on_event=lambda event: said.append(event.message)
    )
    assert not any("without fold 1" in message for message in said), "the first fold's answers were kept"
    assert (parts.path / "model.safetensors").read_bytes() == (whole.path / "model.safetensors").read_bytes()
    assert ore.rerun(whole, out=tmp_path / "again").manifest.files == whole.manifest.files
    plain = ore.finetune(tiny_start, reviews, method="full", train=FEW, out=tmp_path / "plain")
    assert (plain.path / "model.safetensors").read_bytes() != (whole.path / "model.safetensors").read_bytes()


@pytest.mark.parametrize(("output", "seed"), [("distilled", 0), ("distilled", 1), ("averaged", 0)])
def test_an_interrupt_inside_a_fold_ends_in_the_same_bytes(
    output: str, seed: int, reviews, tiny_start: Path, tmp_path: Path
) -> None:
    train = {"epochs": 1, "threads": 1, "rows_per_step": 40, "dropout": 0.1, "checkpoint_every_s": 1e-9}
    given: dict[str, Any] = {"method": "k_fold", "method_options": {"folds": 2, "output": output}, "train": train}
    whole, killed, said = interrupted(
        lambda name, told: ore.finetune(tiny_start, reviews, **given, out=tmp_path / name, on_event=told), seed
    )
    assert any("continuing at step" in message for message in said)
    assert killed.manifest.files == whole.manifest.files


def averaged(start: Path, data: ore.Dataset, out: Path, **changed: Any) -> ore.Artifact:
    """Train an ensemble of two."""
    options = {"folds": 2, "output": "averaged", **changed}
    train = {"threads": 1} if options.get("method") == "head" else FEW
    return ore.finetune(start, data, method="k_fold", method_options=options, train=train, out=out)


@pytest.mark.parametrize("method", ["full", "lora", "head"])
def test_probabilities_are_averaged_in_one_artifact_that_trains_on(
    method: str, reviews, tiny_start: Path, tmp_path: Path
) -> None:
    made = averaged(tiny_start, reviews, tmp_path / "a", method=method)
    texts = {"text": ["a great film", "a dull plot with a story"]}
    scores = ore.load(made).predict(texts).outputs["scores"]
    members = [tmp_path / "one", tmp_path / "two"]
    task = open_task(made)
    unpack(task, made.path, members)
    alone = [alone_scores(made, member, texts) for member in members]
    np.testing.assert_allclose(scores, np.mean(alone, axis=0), atol=1e-6)
    assert np.abs(alone[0] - alone[1]).max() > 1e-6
    report = ore.evaluate(made, reviews, split="dev", baseline="none")
    assert made.manifest.metrics["accuracy"]["value"] == report.metrics["accuracy"].value
    on = averaged(made.path, reviews, tmp_path / "on", method=method)
    assert [entry["id"] for entry in on.manifest.lineage[:1]] == [made.id]
    if method == "full":
        assert np.abs(ore.load(on).predict(texts).outputs["scores"] - scores).max() > 1e-6
        assert ore.rerun(made, out=tmp_path / "again").manifest.files == made.manifest.files
        assert len(ore.explain(made, ["a great film"])) == 1
        with pytest.raises(UsageError, match="an ensemble of 2 models, and this method trains 3"):
            averaged(made.path, reviews, tmp_path / "x", folds=3)


def alone_scores(ensemble: ore.Artifact, folder: Path, texts: dict[str, list[str]]) -> np.ndarray:
    """Return what one member says."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        if not (folder / name).is_file() and (ensemble.path / "member" / name).is_file():
            shutil.copyfile(ensemble.path / "member" / name, folder / name)
    manifest = ensemble.manifest.model_copy(update={"golden": []})
    return open_runtime(ore.Artifact(folder, store.seal(folder, manifest))).predict(texts).outputs["scores"]


def test_what_needs_one_model_refuses_an_ensemble(reviews, tiny_start: Path, tmp_path: Path) -> None:
    made = averaged(tiny_start, reviews, tmp_path / "a", method="head")
    alone = ore.finetune(tiny_start, reviews, method="head", out=tmp_path / "b")
    verbs: list[Callable[[Path], Any]] = [
        lambda out: ore.compress(made, data=reviews, out=out),
        lambda out: ore.merge(made, out=out),
        lambda out: ore.merge(alone, others=[made], out=out),
        lambda out: ore.finetune(made.path, reviews, method="full", train=FEW, out=out),
        lambda out: ore.finetune(made.path, reviews, method="head", out=out),
        lambda out: ore.finetune(made.path, reviews, method="k_fold", train=FEW, out=out),
        lambda out: ore.pretrain(reviews, start=made.path, train=FEW, out=out),
    ]
    for verb in verbs:
        with pytest.raises(UsageError, match="this is an ensemble: several models") as caught:
            verb(tmp_path / "out")
        trains_on = verb not in verbs[:3]
        assert ("train an ensemble on" in caught.value.remedy) == trains_on
        assert ("output=distilled" in caught.value.remedy) != trains_on
        assert not (tmp_path / "out").exists()


def test_without_answers_the_model_is_the_plain_one(reviews, tiny_start: Path, tmp_path: Path) -> None:
    """mix 0 leaves the labels alone: the same loss up to rounding, so the same model as method full."""
    options = {"folds": 2, "mix": 0.0}
    made = ore.finetune(tiny_start, reviews, method="k_fold", method_options=options, train=FEW, out=tmp_path / "a")
    plain = ore.finetune(tiny_start, reviews, method="full", train=FEW, out=tmp_path / "b")
    texts = {"text": ["a great film", "a dull plot"]}
    one, other = (ore.load(model).predict(texts).outputs["scores"] for model in (made, plain))
    np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 1}, "folds=1"),
        ({"folds": 5_000}, "folds is 5000, and there are"),
        ({"mix": 2.0}, "mix=2"),
        ({"method": "head"}, "output=distilled cannot train by 'head'"),
        ({"method": "linear", "output": "averaged"}, "output=averaged cannot train by 'linear'"),
        ({"output": "average"}, "output='average'"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str, reviews, tiny_start: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        ore.finetune(tiny_start, reviews, method="k_fold", method_options=options, out=tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_tasks_without_classes_are_refused(tiny_start: Path, tmp_path: Path) -> None:
    rows = {"text": [f"film {n}" for n in range(60)], "label": [n % 7 for n in range(60)]}
    data = ore.refine(rows, out=tmp_path / "d")
    with pytest.raises(UsageError, match="'k_fold' needs a probability for each class"):
        ore.finetune(tiny_start, data, task="regression", method="k_fold", out=tmp_path / "x")


def test_rows_count_by_their_weight_in_every_fold_and_in_the_student(
    tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {"text": [f"a {'great' if n % 2 else 'dull'} film {n}" for n in range(24)], "label": ["b", "g"] * 12}
    data = ore.refine({"train": {**columns, "weight": [1, 3] * 12}}, operators=[], split={}, out=tmp_path / "data")
    seen: dict[str, Rows] = {}
    plain = Inner.train
    monkeypatch.setattr(
        Inner, "train", lambda self, rows, place, **more: plain(self, seen.setdefault(place, rows), place, **more)
    )
    ore.finetune(tiny_start, data, method="k_fold", method_options={"folds": 2}, train=FEW, out=tmp_path / "model")
    assert [*seen] == ["round-1-fold-1", "round-1-fold-2", "student"]
    for rows in seen.values():
        assert rows.weights_N.tolist() == [1.5 if "great" in text else 0.5 for text in rows.columns["text"]]
