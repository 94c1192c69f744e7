"""Tables of random answers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from oreline.evaluate.table import Table
from oreline.runtime.windows import ragged
from oreline.tasks import seq2seq
from oreline.tasks.text_classification import Task
from oreline.types import Written


def make_table(num_rows: int, num_classes: int, seed: int) -> Table:
    """Probabilities in coarse steps, so that ties, zeros and confidence of one occur; classes may be absent."""
    source = np.random.default_rng(seed)
    scores_NK = source.integers(0, 4, size=(num_rows, num_classes)).astype(np.float64)
    scores_NK[scores_NK.sum(axis=1) == 0] = 1.0
    scores_NK /= scores_NK.sum(axis=1, keepdims=True)
    targets_N = source.integers(source.integers(1, num_classes + 1), size=num_rows)
    labels = tuple(f"label {index}" for index in range(num_classes))
    return Table(
        Task(labels=[*labels]), targets_N, scores_NK, [f"f:{row}" for row in range(num_rows)], ["text"] * num_rows
    )


@pytest.fixture(scope="session")
def random_table() -> Callable[[int, int, int], Table]:
    """Make a table: `random_table(num_rows, num_classes, seed)`."""
    return make_table


@pytest.fixture(scope="session")
def texts_table() -> Callable[[list[str], list[str]], Table]:
    """Make a table of true and written texts; unlike a task's own targets, these may be empty."""

    def make(true: list[str], written: list[str]) -> Table:
        names = [f"f:{row}" for row in range(len(true))]
        answers = ragged([Written((text,), (0.5,)) for text in written])
        return Table(seq2seq.Task(), ragged(true), answers, names, names)

    return make
