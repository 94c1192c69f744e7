"""W&B offline: the run lies in a local file and names what was logged; nothing is sent."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from oreline.train.trackers.wandb import Tracker


@pytest.mark.filterwarnings("ignore")  # the library's own deprecations
def test_an_offline_run_holds_the_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    for variable in ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(variable, str(tmp_path))
    tracker = Tracker(tmp_path / "logs", run_name="quiet-run", config={"seed": 7})
    tracker.log(1, {"loss": 0.5})
    tracker.log(2, {"loss": 0.25, "dev_accuracy": 0.8})
    tracker.close()
    files = list((tmp_path / "logs" / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(files) == 1
    deadline = time.monotonic() + 60  # the library's service writes the file a moment after the run has ended
    while b"dev_accuracy" not in files[0].read_bytes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert b"dev_accuracy" in files[0].read_bytes()
    assert b"quiet-run" in files[0].read_bytes()
