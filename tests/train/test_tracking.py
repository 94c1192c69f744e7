"""Events go to the same places whatever the method."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oreline.evaluate.estimates import point_values
from oreline.recipe import TrainOptions
from oreline.train.finetune import finetune
from oreline.train.pretrain import pretrain
from oreline.train.tracking import tracking

SHORT = TrainOptions(epochs=1, threads=1, track=["tensorboard"])


@pytest.mark.parametrize("method", ["full", "head", "linear"])
def test_every_method_logs(reviews, tiny_start: Path, tmp_path: Path, method: str) -> None:
    start = None if method == "linear" else tiny_start
    made = finetune(
        start, reviews, task="text_classification", method=method, options=SHORT, out=tmp_path / "m", score=point_values
    )
    assert list((tmp_path / "m.logs").rglob("events.out.tfevents*"))
    first, *steps = [json.loads(line) for line in (made.path / "events.jsonl").read_text().splitlines()]
    assert first["config"]["method"] == method
    assert steps
    assert all(step["rows_per_s"] > 0 for step in steps)


def test_pretraining_logs(reviews, tiny_start: Path, tmp_path: Path) -> None:
    made = pretrain(reviews, start=tiny_start, options=SHORT, out=tmp_path / "p")
    assert list((tmp_path / "p.logs").rglob("events.out.tfevents*"))
    steps = [json.loads(line) for line in (made.path / "events.jsonl").read_text().splitlines()][1:]
    assert steps[-1]["step"] == made.measurements()["steps"]


def test_trackers_are_closed_whatever_happens(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="stop"), tracking(tmp_path / "logs", TrainOptions(), {}) as [events]:
        events.log(1, {"loss": 1.0})
        raise RuntimeError("stop")
    assert events._stream.closed
    with tracking(None, TrainOptions(), {}) as none:
        assert none == []
