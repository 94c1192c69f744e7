"""One class for one text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from oreline.errors import UsageError
from oreline.tasks.text_classification import Task


def test_one_text_gets_the_most_probable_label():
    assert (Task.inputs, Task.target, Task.metrics[0]) == (("text",), "label", "accuracy")
    [answer] = Task(labels=["bad", "good"]).decode({"scores": np.array([[0.2, 0.8]])}, {})
    assert answer == {"label": "good", "scores": {"bad": 0.2, "good": 0.8}}


def test_a_pattern_is_an_option_that_comes_back(tiny_start: Path):
    task = Task(labels=["bad", "good"], pattern="{text} very [MASK]")
    assert Task(labels=["bad", "good"]).options == {"labels": ["bad", "good"]}
    again = Task(**task.options)
    tokenizer = Tokenizer.from_file(str(tiny_start / "tokenizer.json"))
    [ids] = again.encode({"text": ["a film"]}, tokenizer, 20).ids
    assert len(ids) == 6
    with pytest.raises(UsageError, match="the pattern is"):
        Task(labels=["bad", "good"], pattern="{text}")
