"""One class for two texts."""

from __future__ import annotations

from pathlib import Path

from oreline.models.tokenizing import tokenizer
from oreline.tasks.pair import Task


def test_both_texts_reach_the_model_and_their_order_counts(tiny_start: Path):
    task, opened = Task(labels=["no", "yes"]), tokenizer(tiny_start)
    one, other = (
        task.encode({"text": [first], "text_pair": [second]}, opened, 32)
        for first, second in (("great film", "dull plot"), ("dull plot", "great film"))
    )
    assert sorted(one.ids[0].tolist()) == sorted(other.ids[0].tolist())
    assert one.ids[0].tolist() != other.ids[0].tolist()
