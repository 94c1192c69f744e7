"""A refined dataset and a linear model, made once; nothing is written outside of temporary folders."""

from __future__ import annotations

from pathlib import Path

import pytest

import oreline as ore
from oreline.data.dataset import Dataset
from oreline.store import Artifact


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests here: no catalog entry in it, and the machine's speed is measured once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where outputs without a name go."""
    monkeypatch.setenv("ORELINE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("ORELINE_CACHE", str(cache))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return tmp_path / "runs"


@pytest.fixture(scope="session")
def dataset(reviews_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """400 reviews, split by movie into train, dev and test."""
    return ore.refine(reviews_csv, group="movie", out=tmp_path_factory.mktemp("data") / "reviews")


@pytest.fixture(scope="session")
def linear_model(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Character n-grams trained on it."""
    return ore.finetune(None, dataset, method="linear", out=tmp_path_factory.mktemp("models") / "linear")
