"""Lines in the order of numbers."""

from __future__ import annotations

import random

import pytest

from oreline.data.external import records as module
from oreline.data.external.lines import SortedLines


@pytest.mark.parametrize("max_bytes", [0, 3000, 1 << 20])
def test_lines_are_those_of_a_stable_sort(monkeypatch: pytest.MonkeyPatch, max_bytes: int) -> None:
    """Short and long ones, more than a block of which are read; characters that a block cuts, halves of pairs; both zeros are one."""
    monkeypatch.setattr(module, "_READ_BYTES", 50)
    source, odd = random.Random(0), "好\ud800"
    given = [
        (source.choice([source.random(), 0.5, -1e-300, 0.0, -0.0, 1e300, -7.5]), f"{n} {odd * source.randint(0, 90)}")
        for n in range(500)
    ]
    lines = SortedLines(max_bytes=max_bytes)
    for number, line in given:
        lines.append(number, line)
    wanted = [line for _, line in sorted(given, key=lambda one: one[0])]
    assert list(lines) == wanted
    lines.append(0.0, "one more")
    assert len(list(lines)) == len(lines) == 501
    assert lines.is_on_disk == (max_bytes < 1 << 20)


def test_none() -> None:
    assert list(SortedLines(max_bytes=0)) == []
