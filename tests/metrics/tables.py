"""Tables of one kind of answers, for figures that are compared with another library's."""

from __future__ import annotations

import numpy as np

from oreline.evaluate.table import Table
from oreline.runtime.windows import ragged
from oreline.tasks import embedding, multilabel, regression

Numbers = np.ndarray | list[float]


def numbers(targets: Numbers, predicted: Numbers) -> Table:
    """A table of numbers in units of the spread, which is 4."""
    rows, task = [f"f:{row}" for row in range(len(targets))], regression.Task(mean=50, spread=4)
    return Table(task, np.asarray(targets, float), np.asarray(predicted, float)[:, None], rows, rows)


def marked(true_NK: np.ndarray, given_NK: np.ndarray) -> Table:
    """A table of several labels whose answers are the given marks."""
    rows = [f"f:{row}" for row in range(len(true_NK))]
    task = multilabel.Task(labels=[f"label {k}" for k in range(true_NK.shape[1])])
    return Table(task, np.asarray(true_NK, np.float32), np.asarray(given_NK, float), rows, rows)


def table(ranks: list[list[int]]) -> Table:
    """Queries with the ranks of their relevant texts."""
    rows = [f"f:{row}" for row in range(len(ranks))]
    targets = ragged([("text",) * len(row) for row in ranks])
    scores = ragged([np.asarray(row, np.float64).reshape(-1, 1) for row in ranks])
    return Table(embedding.Task(), targets, scores, rows, rows)
