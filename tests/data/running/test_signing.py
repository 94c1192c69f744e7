"""Signatures of rows that are in no stage."""

from __future__ import annotations

import polars as pl

from oreline.data.duplicates.equal import KEY, marks
from oreline.data.running.clock import Clock
from oreline.data.running.engine import Here
from oreline.data.running.signing import Signing


def test_each_frame_comes_back_with_the_signatures_of_its_rows() -> None:
    frames = [
        pl.DataFrame({"row_id": [f"a:{n}", f"b:{n}"], "text": [f"text {n}", "x"], "label": ["a", "b"]})
        for n in range(3)
    ]
    clock = Clock()
    found = list(Signing(Here(), clock, "split")("dedup_exact", frames))
    assert [frame.equals(given) for given, (frame, _) in zip(frames, found)] == [True] * 3
    for given, (_, signatures) in zip(frames, found):
        assert signatures.equals(marks(given).select(KEY)), "of its texts alone"
    assert clock.spent["split"].rows == 0
