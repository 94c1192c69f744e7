"""One class for one text."""

from __future__ import annotations

import numpy as np

from oreline.tasks.text_classification import Task


def test_one_text_gets_the_most_probable_label():
    assert (Task.inputs, Task.target, Task.metrics[0]) == (("text",), "label", "accuracy")
    [answer] = Task(labels=["bad", "good"]).decode({"scores": np.array([[0.2, 0.8]])}, {})
    assert answer == {"label": "good", "scores": {"bad": 0.2, "good": 0.8}}
