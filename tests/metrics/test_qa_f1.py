"""F1 of answers by hand."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.evaluate.table import Table
from oreline.metrics.qa_f1 import Metric
from oreline.runtime.windows import ragged
from oreline.tasks.question_answering import Task

COLUMNS = {"text": ["?"] * 4, "text_pair": ["in the year 1912"] * 4}


def test_by_hand() -> None:
    task = Task(threshold=0.0)
    scores = np.full((4, 5, 2), 0.01, np.float32)
    for row, (first, last) in enumerate([(4, 4), (3, 4), (0, 0), (4, 4)]):
        scores[row, first, 0] = scores[row, last, 1] = 0.96
    targets = task.reading(COLUMNS).encode_target(["1912", "1912", None, None])
    ids = ["a", "b", "c", "d"]
    table = Table(task, targets, ragged(list(scores)), ids, ids, columns=COLUMNS)
    values = Metric().values(table, np.ones((1, 4)))
    assert values["qa_f1"] == pytest.approx([(1 + 2 / 3 + 1 + 0) / 4])
    assert values["qa_f1_answerable"] == pytest.approx([(1 + 2 / 3) / 2])
    assert values["no_answer_accuracy"] == pytest.approx([1 / 2])
    assert Metric().num_rows(table) == {"qa_f1_answerable": 2, "no_answer_accuracy": 2}
    assert np.isnan(Metric().values(table.take(np.array([0])), np.ones((1, 1)))["no_answer_accuracy"]).all()
