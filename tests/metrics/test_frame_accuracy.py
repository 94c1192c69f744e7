"""Intent, slots and both, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.evaluate.table import Table
from oreline.metrics.frame_accuracy import Metric
from oreline.runtime.windows import ragged
from oreline.tasks.intent_slots import Task


def test_by_hand() -> None:
    task = Task(intents=["go", "stop"], tags=["O", "B-X", "I-X"])
    true = task.encode_target([["go", "O", "B-X"], ["stop", "B-X", "I-X"], ["go"]])
    given = task.encode_target([["go", "O", "B-X"], ["stop", "B-X", "O"], ["stop"]])
    scores = ragged([np.eye(5, dtype=np.float32)[row] for row in given])
    names = ["f:1", "f:2", "f:3"]
    weights_RN = np.array([[1.0, 1.0, 1.0], [2.0, 0.0, 1.0]])
    values = Metric().values(Table(task, true, scores, names, names), weights_RN)
    assert values["frame_accuracy"].tolist() == pytest.approx([1 / 3, 2 / 3])
    assert values["intent_accuracy"].tolist() == pytest.approx([2 / 3, 2 / 3])
    assert values["slot_f1"].tolist() == pytest.approx([1 / 2, 1.0])
