"""Some rows beside those that they go for."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from oreline.data.duplicates import examples as module
from oreline.data.duplicates.drops import Goes
from oreline.data.duplicates.examples import MAX_EXAMPLES, Examples

SCAN = pl.LazyFrame({"row_id": [f"a:{n}" for n in range(1000)], "text": [f"{n} " + "x" * 100 for n in range(1000)]})


def taken(similarity: list[float], size: int) -> Examples:
    examples = Examples()
    for low in range(0, len(similarity), size):
        part = similarity[low : low + size]
        positions = np.arange(low, low + len(part)) + 1
        examples.take(pl.DataFrame({"similarity": part}), Goes(positions, np.zeros_like(positions)))
    return examples


def test_the_least_similar_comes_first_and_equal_rows_are_none() -> None:
    found = taken([0.9, 1.0, 0.81234], 2).rows(SCAN)
    assert found == [["a:3", "a:0", 0.812, ("3 " + "x" * 80)[:80], ("0 " + "x" * 80)[:80]],
                     ["a:1", "a:0", 0.9, ("1 " + "x" * 80)[:80], ("0 " + "x" * 80)[:80]]]  # fmt: skip
    assert Examples().rows(SCAN) == []


def test_many_are_spaced_over_all_whatever_the_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HELD", 100)
    similarity = np.random.default_rng(0).uniform(0.8, 1, 900).tolist()
    found = [taken(similarity, size).rows(SCAN) for size in (7, 900)]
    assert found[0] == found[1]
    values = [example[2] for example in found[0]]
    assert len(values) == MAX_EXAMPLES
    assert values == sorted(values)
    assert values[0] < 0.83 < 0.95 < values[-1] < 1
