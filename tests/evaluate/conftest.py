"""A dataset on disk and linear models made from word lists: real components, made in a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.film_words import BAD, FILLER, GOOD

from oreline import store
from oreline.data.dataset import Dataset, DatasetManifest, seal
from oreline.data.fold import row_hashes
from oreline.evaluate.table import Table
from oreline.runtime.linear import LinearModel, Runtime, write_model
from oreline.runtime.open import open_runtime
from oreline.store import TRAIN_ROWS, Manifest
from oreline.tasks.text_classification import Task

WORDS = {"fresh": GOOD, "rotten": BAD}


def reviews(num_rows: int, seed: int) -> pl.DataFrame:
    """Reviews of one telling word, one in ten with the wrong label; a studio and a length to slice by."""
    source = np.random.default_rng(seed)
    rows = []
    for number in range(1, num_rows + 1):
        label = str(source.choice(list(WORDS)))
        words = [*source.choice(FILLER, size=8), source.choice(WORDS[label])]
        if source.random() < 0.1:
            label = "rotten" if label == "fresh" else "fresh"
        rows.append(
            {
                "row_id": f"reviews-{seed}.csv:{number}",
                "text": f"{' '.join(source.permutation(words))} {number}",
                "label": label,
                "studio": None if number % 40 == 0 else f"studio {number % 3}",
            }
        )
    return pl.DataFrame(rows)


def write_dataset(folder: Path, splits: dict[str, pl.DataFrame]) -> Dataset:
    """Write frames as a dataset folder."""
    for split, frame in splits.items():
        (folder / split).mkdir(parents=True)
        frame.write_parquet(folder / split / "00000.parquet")
    columns = {name: str(kind) for name, kind in next(iter(splits.values())).schema.items()}
    manifest = DatasetManifest(
        columns=columns,
        roles={"text": "text", "label": "label"},
        splits={split: frame.height for split, frame in splits.items()},
    )
    seal(folder, manifest)
    return Dataset.open(folder)


def write_linear(
    folder: Path,
    *,
    strength: float = 3.0,
    labels: Sequence[str] = ("fresh", "rotten"),
    noise: float = 0.0,
    trained_on: pl.DataFrame | None = None,
) -> Runtime:
    """Write a linear model that weighs the words of one label against those of the other, and open it."""
    telling = [WORDS.get(label, []) for label in labels]
    vocabulary = sorted(word for words in WORDS.values() for word in words)
    weights_VK = np.asarray([[strength * (word in words) for words in telling] for word in vocabulary])
    weights_VK *= np.linspace(0.5, 1.5, len(vocabulary))[:, None]  # so that confidences differ
    weights_VK += np.random.default_rng(0).normal(scale=noise, size=weights_VK.shape) if noise else 0.0
    manifest = Manifest(runtime="linear", task="text_classification", task_options={"labels": list(labels)})
    with store.writing(folder) as temporary:
        # Every word has 4 to 10 letters, so each is one n-gram.
        model = LinearModel(4, 10, vocabulary, np.ones(len(vocabulary)), weights_VK, np.zeros(len(labels)))
        write_model(temporary, model)
        if trained_on is not None:
            np.sort(row_hashes(trained_on, ["text"])).astype("<u8").tofile(temporary / TRAIN_ROWS)
        store.seal(temporary, manifest)
    return open_runtime(folder)


def random_table(num_rows: int, num_classes: int = 3, seed: int = 0, skill: float = 0.5) -> Table:
    """Random answers; the same seed has the same truth for every skill, and nearly the same answers."""
    source = np.random.default_rng(seed)
    targets_N = source.integers(num_classes, size=num_rows)
    scores_NK = source.random((num_rows, num_classes)) + skill * np.eye(num_classes)[targets_N]
    scores_NK /= scores_NK.sum(axis=1, keepdims=True)
    ids = [f"f:{row + 1}" for row in range(num_rows)]
    return Table(Task(labels=[*(f"label {k}" for k in range(num_classes))]), targets_N, scores_NK, ids, ids)


def paired_tables(
    gains: int, losses: int, num_rows: int, *, right: int | None = None, slices: dict[str, list[str]] | None = None
) -> tuple[Table, Table]:
    """Two models on the same rows: the first `gains` rows only the second has right, the next `losses` only the first.

    Of the other rows the first `right` are right for both (all, if not given), the rest wrong for both.
    """
    same = num_rows - gains - losses
    right = same if right is None else right
    before_N = np.array([0] * gains + [1] * losses + [1] * right + [0] * (same - right), dtype=bool)
    after_N = np.array([1] * gains + [0] * losses + [1] * right + [0] * (same - right), dtype=bool)
    targets_N = np.arange(num_rows) % 2
    ids = [f"f:{row + 1}" for row in range(num_rows)]

    def table(right_N: np.ndarray) -> Table:
        predicted_N = np.where(right_N, targets_N, 1 - targets_N)
        return Table(
            Task(labels=["a", "b"]), targets_N, 0.2 + 0.6 * np.eye(2)[predicted_N], ids, ids, dict(slices or {})
        )

    return table(before_N), table(after_N)


@pytest.fixture(scope="session")
def make_table() -> Callable[..., Table]:
    """Make random answers: `make_table(num_rows, num_classes, seed, skill)`."""
    return random_table


@pytest.fixture(scope="session")
def make_pair() -> Callable[..., tuple[Table, Table]]:
    """Make two models' tables: `make_pair(gains, losses, num_rows)`."""
    return paired_tables


@pytest.fixture(scope="session")
def make_linear(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Runtime]:
    """Make a linear model: `make_linear(strength=…, labels=…, noise=…, trained_on=…)`."""
    return lambda **options: write_linear(tmp_path_factory.mktemp("linear") / "model", **options)


@pytest.fixture(scope="session")
def make_dataset(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Dataset]:
    """Make a dataset: `make_dataset(train=frame, test=frame)`."""
    return lambda **splits: write_dataset(tmp_path_factory.mktemp("data") / "set", splits)


@pytest.fixture(scope="session")
def make_reviews() -> Callable[[int, int], pl.DataFrame]:
    """Make rows: `make_reviews(num_rows, seed)`."""
    return reviews


@pytest.fixture(scope="session")
def data(make_dataset: Callable[..., Dataset]) -> Dataset:
    """Reviews in two splits, 60 and 240 rows."""
    return make_dataset(train=reviews(60, 1), test=reviews(240, 2))


@pytest.fixture(scope="session")
def model(make_linear: Callable[..., Runtime], data: Dataset) -> Runtime:
    """A model that was trained on the train split."""
    return make_linear(trained_on=data.frame("train"))
