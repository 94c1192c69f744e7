"""What a method is handed: rows know their number, and the job speaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from oreline.recipe import TrainOptions
from oreline.train.job import Job, Rows, named_method
from oreline.train.workspace import Workspace
from oreline.types import Event


def test_a_job_speaks_through_events(tmp_path: Path):
    heard: list[Event] = []
    rows = Rows({"text": ["a", "b", "c"]}, np.array([0, 1, 0]))
    job = Job(
        task=None,  # type: ignore[arg-type]  not asked for here
        start=None,
        train=rows,
        dev=None,
        options=TrainOptions(),
        seed=0,
        work=Workspace(tmp_path),
        logs=tmp_path,
        score=lambda *_: {},
        resolved=None,
        on_event=heard.append,
    )
    job.say("hello")
    assert heard == [Event("train", message="hello")]
    assert len(job.train) == 3


def test_an_adapters_name_is_a_method(tmp_path: Path):
    assert named_method("full", {"pooling": "mean"}) == ("full", {"pooling": "mean"})
    assert named_method("unheard-of", {}) == ("unheard-of", {})  # refused where it is looked up
    given = {"num_tokens": 4, "pooling": "mean", "adapter_options": {"projection": 2}}
    assert named_method("prefix-tuning", given) == (
        "adapter",
        {"adapter": "prefix_tuning", "pooling": "mean", "adapter_options": {"projection": 2, "num_tokens": 4}},
    )
