"""A served model, fresh rows of three kinds, golden rows: small, linear, real."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.film_words import FILLER

from oreline.data.dataset import Dataset
from oreline.data.refine import refine
from oreline.evaluate.estimates import point_values
from oreline.recipe import TrainOptions
from oreline.store import Artifact
from oreline.train.finetune import finetune

OLD_WORDS = (["great", "moving", "superb"], ["awful", "dull", "tedious"])
NEW_WORDS = (["zingy", "mellow", "quaint"], ["grotty", "naff", "rubbish"])


def reviews(num_rows: int, words: tuple[Sequence[str], Sequence[str]], seed: int) -> pl.DataFrame:
    """Return reviews in which one word decides the label (the first words mean fresh)."""
    source = random.Random(seed)
    rows = []
    for number in range(num_rows):
        side = source.randrange(2)
        text = [*source.choices(FILLER, k=8), source.choice(words[side])]
        source.shuffle(text)
        rows.append({"text": f"{' '.join(text)} {seed}-{number}", "label": ("fresh", "rotten")[side]})
    return pl.DataFrame(rows)


Make = Callable[..., Dataset]


@pytest.fixture(scope="session")
def make_data(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Write a frame as a dataset."""

    def make(frame: Any, split: dict[str, float] | None = None) -> Dataset:
        out = tmp_path_factory.mktemp("data") / "dataset"
        return refine(frame, operators=[], split=split or {}, out=out)

    return make


@pytest.fixture(scope="session")
def golden(make_data: Make) -> Dataset:
    """Golden rows: the old words."""
    return make_data(reviews(300, OLD_WORDS, seed=90))


@pytest.fixture(scope="session")
def fresh(make_data: Make) -> Dataset:
    """Fresh rows that a model has to learn: new words."""
    return make_data(reviews(400, NEW_WORDS, seed=80))


@pytest.fixture(scope="session")
def old(make_data: Make) -> Dataset:
    """What the served model was trained on."""
    return make_data(reviews(300, OLD_WORDS, seed=70), {"train": 0.8, "dev": 0.2})


@pytest.fixture(scope="session")
def served(old: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A linear model that knows the old words."""
    out = tmp_path_factory.mktemp("served") / "model"
    return finetune(None, old, task="text_classification", method="linear", out=out, score=point_values)


@pytest.fixture
def model(served: Artifact, tmp_path: Path) -> Artifact:
    """A copy of the served model that a test may alter."""
    return Artifact.open(shutil.copytree(served.path, tmp_path / "model"))


@pytest.fixture
def settings(golden: Dataset, tmp_path: Path) -> dict[str, Any]:
    """What every call of `update` needs."""
    return {
        "gate_data": golden,
        "gate_split": "all",
        "home": tmp_path / "home",
        "max_drop": 0.02,
        "options": TrainOptions(),
    }
