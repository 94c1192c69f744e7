"""A set of numbers."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.data.external import numbers as module
from oreline.data.external import sorting
from oreline.data.external.numbers import Numbers


@pytest.mark.parametrize("max_bytes", [0, 4000, 1 << 20])
def test_what_is_remembered_is_that_of_a_set(monkeypatch: pytest.MonkeyPatch, max_bytes: int) -> None:
    """Runs of a few pages that become one again and again; the least and the largest number; some many times."""
    for name, value in (("_PAGE", 16), ("_ASKED", 50), ("_FRESH", 100), ("_BLOCK", 64), ("_MAX_RUNS", 3)):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(sorting, "_LEAST_RUN", 100)
    random = np.random.default_rng(0)
    most = np.iinfo(np.uint64).max
    numbers, known = Numbers(max_bytes=max_bytes), set()
    for round in range(60):
        some = random.integers(0, 6000, random.integers(0, 150)).astype(np.uint64) * np.uint64(most // 5999)
        numbers.add(some)
        known |= set(some.tolist())
        asked = random.integers(0, 6000, 300).astype(np.uint64) * np.uint64(most // 5999)
        asked = np.concatenate([asked, asked + np.uint64(round % 2), [np.uint64(0), np.uint64(most)]])
        assert numbers.has(asked).tolist() == [number in known for number in asked.tolist()]
    assert len(known) > 2000
    assert bool(numbers._runs) == (max_bytes < 1 << 20)


def test_none_is_remembered() -> None:
    numbers = Numbers(max_bytes=0)
    assert numbers.has(np.arange(3, dtype=np.uint64)).tolist() == [False] * 3
    numbers.add(np.zeros(0, np.uint64))
    assert numbers.has(np.zeros(0, np.uint64)).tolist() == []
