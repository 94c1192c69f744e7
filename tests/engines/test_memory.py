"""What a refine with worker processes holds, all of them together; pages of libraries that they share count once."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path

import pytest

MEASURE = Path(__file__).parents[2] / "benchmarks" / "processes.py"
CLEANING = ("normalize_text", "drop_empty", "dedup_exact")
MB = 1 << 20


def peak_of(folder: Path, megabytes: int, operators: tuple[str, ...]) -> int:
    """Refine rows that were made up with two workers and 500 MB; return the most bytes of all processes."""
    spec = importlib.util.spec_from_file_location("measured_processes", MEASURE)
    assert spec is not None
    assert spec.loader is not None
    processes = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = processes  # dataclasses look for their module
    spec.loader.exec_module(processes)
    source = random.Random(megabytes)
    words = [f"{start}{number}" for start in ("ban", "cor", "del", "fan", "gil", "hop") for number in range(500)]
    left, number = megabytes * 1_000_000, 0
    with (folder / "rows.jsonl").open("w") as stream:
        while left > 0:
            number += 1
            left -= stream.write(f'{{"text": "{" ".join(source.choices(words, k=200))} {number}", "label": "a"}}\n')
    given = [part for name in operators for part in ("--operator", name)]
    how = ["--workers", "2", "--memory", "500MB", "--out", str(folder / "out")]
    command = [sys.executable, "-m", "oreline", "refine", str(folder / "rows.jsonl"), *given, *how]
    taken = processes.taken(command)
    assert taken.code == 0, taken.output
    return int(taken.peak_bytes)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_two_workers_hold_little_more_than_they_hold_of_a_small_file(tmp_path: Path) -> None:
    """60 MB; three processes with their libraries take some 420 MB of 3 MB."""
    assert peak_of(tmp_path, 60, CLEANING) < 600 * MB


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_likewise_with_near_duplicates_and_private_data(tmp_path: Path) -> None:
    """Measured: 550 MB."""
    assert peak_of(tmp_path, 60, (*CLEANING, "dedup_near", "mask_pii")) < 680 * MB
