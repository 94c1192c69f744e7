"""Events as JSON Lines, also after a kill."""

from __future__ import annotations

import json
from pathlib import Path

from oreline.train.trackers.events import Tracker


def _lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def test_each_step_is_a_line(tmp_path: Path):
    tracker = Tracker(tmp_path / "logs", run_name="r", config={"seed": 7})
    tracker.log(1, {"loss": 0.5})
    assert _lines(tmp_path / "logs")[-1] == {"step": 1, "loss": 0.5}  # readable while the run goes on
    tracker.log(2, {"loss": 0.25})
    tracker.close()
    assert _lines(tmp_path / "logs") == [
        {"run": "r", "config": {"seed": 7}},
        {"step": 1, "loss": 0.5},
        {"step": 2, "loss": 0.25},
    ]


def test_continuing_drops_what_is_made_again_and_a_line_cut_short(tmp_path: Path):
    tracker = Tracker(tmp_path, run_name="r", config={})
    for step in (1, 2, 3):
        tracker.log(step, {"loss": 1 / step})
    tracker.close()
    with (tmp_path / "events.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('{"step": 4, "lo')
    continued = Tracker(tmp_path, run_name="r", config={}, first_step=2)
    continued.log(3, {"loss": 9.0})
    continued.close()
    assert [(line.get("step"), line.get("loss")) for line in _lines(tmp_path)] == [
        (None, None),
        (1, 1.0),
        (2, 0.5),
        (3, 9.0),
    ]
