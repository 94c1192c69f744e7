"""Exact match over questions with an answer and without."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.evaluate.table import Table
from oreline.metrics.exact_match import Metric
from oreline.runtime.windows import ragged
from oreline.tasks.question_answering import Task

COLUMNS = {"text": ["?"] * 4, "text_pair": ["in the year 1912"] * 4}


def table() -> Table:
    """Right, half right, rightly none, wrongly none."""
    task = Task(threshold=0.0)
    scores = np.full((4, 5, 2), 0.01, np.float32)
    for row, (first, last) in enumerate([(4, 4), (3, 4), (0, 0), (0, 0)]):
        scores[row, first, 0] = scores[row, last, 1] = 0.96
    targets = task.reading(COLUMNS).encode_target(["1912", "1912", None, "1912"])
    ids = ["a", "b", "c", "d"]
    return Table(task, targets, ragged(list(scores)), ids, ids, columns=COLUMNS)


def test_by_hand() -> None:
    values = Metric().values(table(), np.ones((1, 4)))
    assert values["exact_match"] == pytest.approx([2 / 4])
    assert values["exact_match_answerable"] == pytest.approx([1 / 3])
    assert Metric().num_rows(table()) == {"exact_match_answerable": 3}
