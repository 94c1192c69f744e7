"""TensorBoard reads back what was logged."""

from __future__ import annotations

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from oreline.train.trackers.tensorboard import Tracker


def _losses(folder: Path) -> list[tuple[int, float]]:
    reader = EventAccumulator(str(folder / "tensorboard"))
    reader.Reload()
    return [(event.step, round(event.value, 4)) for event in reader.Scalars("loss")]


def test_scalars_are_read_back(tmp_path: Path):
    tracker = Tracker(tmp_path, run_name="r", config={"seed": 7})
    tracker.log(1, {"loss": 0.5})
    tracker.log(2, {"loss": 0.25})
    tracker.close()
    assert _losses(tmp_path) == [(1, 0.5), (2, 0.25)]


def test_continuing_replaces_the_steps_made_again(tmp_path: Path):
    first = Tracker(tmp_path, run_name="r", config={})
    for step in (1, 2, 3):
        first.log(step, {"loss": 1.0})
    first.close()
    second = Tracker(tmp_path, run_name="r", config={}, first_step=2)
    second.log(3, {"loss": 0.125})
    second.close()
    assert _losses(tmp_path) == [(1, 1.0), (2, 1.0), (3, 0.125)]
