"""Bounds and blocks so small that everything goes to disk, and what belongs together lies in several blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from oreline.data.duplicates import union
from oreline.data.external import shuffling, sorting
from oreline.data.external.sorting import Sorted
from oreline.data.external.spool import Spool
from oreline.data.split import classes


def use_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the numbers of a test come two or three at a time."""
    sorted_blocks, spool_blocks = Sorted.blocks, Spool.blocks

    def of_three(self: Sorted) -> Iterator[Any]:
        for block in sorted_blocks(self):
            for start in range(0, len(block), 3):
                yield block[start : start + 3]

    def of_two(self: Spool) -> Iterator[Any]:
        return spool_blocks(self, 2)

    monkeypatch.setattr(sorting, "_LEAST_RUN", 4)
    monkeypatch.setattr(Sorted, "blocks", of_three)
    monkeypatch.setattr(Spool, "blocks", of_two)
    for module in (union, shuffling, classes):
        monkeypatch.setattr(module, "BLOCK", 3)
