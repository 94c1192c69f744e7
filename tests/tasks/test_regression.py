"""A number for one text."""

from __future__ import annotations

import numpy as np

from oreline.tasks.regression import Task


def test_one_text_gets_a_number():
    task = Task(mean=3, spread=2)
    assert (task.inputs, task.target, task.labels) == (("text",), "label", ("value",))
    assert task.decode({"scores": np.array([[0.5]])}, {}) == [{"value": 4.0}]
