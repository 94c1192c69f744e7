"""Folds, what is said of rows out of fold, and the one model that learns from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import oreline as ore
from oreline.errors import UsageError
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

    options = {**given, "train": {**FEW, "checkpoint_every_s": 1e-9}}
    with pytest.raises(KeyboardInterrupt):
        ore.finetune(tiny_start, reviews, **options, out=tmp_path / "parts", on_event=interrupt)
    said: list[str] = []
    parts = ore.finetune(
        tiny_start, reviews, **options, out=tmp_path / "parts", on_event=lambda event: said.append(event.message)
    )
    assert not any("without fold 1" in message for message in said), "the first fold's answers were kept"
    assert (parts.path / "model.safetensors").read_bytes() == (whole.path / "model.safetensors").read_bytes()
    assert ore.rerun(whole, out=tmp_path / "again").manifest.files == whole.manifest.files
    plain = ore.finetune(tiny_start, reviews, method="full", train=FEW, out=tmp_path / "plain")
    assert (plain.path / "model.safetensors").read_bytes() != (whole.path / "model.safetensors").read_bytes()


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
    [({"folds": 1}, "folds=1"), ({"mix": 2.0}, "mix=2"), ({"method": "linear"}, "cannot teach by 'linear'")],
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
