"""A refine that is killed goes on where it stopped, whatever it was doing: the same bytes, and nothing done twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DRIVER = Path(__file__).with_name("refine_driver.py")
CLEANING = "normalize_text+keep_length+keep_gopher_repetition"
STAGES = (
    CLEANING, "dedup_exact/signatures", "dedup_exact", "resolve_label_conflicts", "dedup_near/signatures",
    "dedup_near/candidates", "dedup_near/verification", "keep_perplexity", "mask_pii", "split", "split/places", "leaks",
    "lift", "report/account", "report/card", "writing/sync",
)  # fmt: skip


def killed_in(stages: tuple[str, ...], folder: Path, *, seed: int, workers: int = 1, rounds: int = 1) -> dict[str, Any]:
    """Kill runs in some stages and return what the driver has seen."""
    command = [sys.executable, str(DRIVER), str(folder), str(seed), str(workers), str(rounds), *stages]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seen: dict[str, Any] = json.loads(done.stdout)
    assert seen["failed"] == [], done.stderr
    assert set(stages) <= set(seen["stages"])
    return seen


def test_killed_in_several_stages_it_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    """One run after the other is killed: while pairs are compared, while texts are masked, while the disk is waited for."""
    stages = ("dedup_near/verification", "mask_pii", "writing/sync")
    seen = killed_in(stages, tmp_path, seed=1)
    assert {stage for stage, times in seen["killed"].items() if times} >= set(stages[:2])
    assert seen["again"] == [], "a stage that had been finished was begun once more"
    assert seen["differs"] == []
    assert seen["left"] == [], "folders of runs that were killed lie about"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("workers", "seed"), [(1, 2), (2, 3)])
def test_killed_in_every_stage_it_goes_on_to_the_same_bytes(workers: int, seed: int, tmp_path: Path) -> None:
    seen = killed_in(STAGES, tmp_path, seed=seed, workers=workers, rounds=2)
    assert {stage for stage, times in seen["killed"].items() if times} >= set(STAGES[:-1])
    assert (seen["again"], seen["differs"], seen["left"]) == ([], [], [])
