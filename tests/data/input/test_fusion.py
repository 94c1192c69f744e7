"""What sources share."""

from __future__ import annotations

import polars as pl
import pytest

from oreline.data.input import fusion
from oreline.data.input.fusion import Fusion


def frame(texts: range, label: str) -> pl.DataFrame:
    return pl.DataFrame({"text": [f"文本 Text {n}" for n in texts], "label": [label if n % 2 else "z" for n in texts]})


def test_overlaps_and_conflicts_are_counted() -> None:
    found = Fusion()
    assert found.tables() == []
    found.add("a", frame(range(10), "x"))
    assert found.pairs().is_empty()
    found.add("b", frame(range(50, 60), "y"))
    assert found.tables()[0].note == "No text is in two of the sources."
    found.add("b", frame(range(5, 20), "y"))
    found.add("c", frame(range(100, 110), "y"))
    found.add("b", frame(range(5, 8), "y"))
    assert found.pairs().rows() == [("a", "b", 5, 3)]
    assert found.warnings() == ["3 of 5 texts that are in a and in b have different labels"]
    assert found.tables()[0].rows == [["a", "b", 5, 3]]


def test_rows_without_labels_agree() -> None:
    found = Fusion()
    for name in "ab":
        found.add(name, frame(range(5), "x").drop("label"))
    assert found.pairs().rows() == [("a", "b", 5, 0)]


def test_beyond_a_bound_counts_are_estimates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fusion, "MAX_ROWS", 500)
    found = Fusion()
    for name in "ab":
        for start in range(0, 1000, 100):
            found.add(name, frame(range(start, start + 100), "x"))
    ((_, _, shared, conflicts),) = found.pairs().rows()
    assert 500 < shared < 1500
    assert conflicts == 0
    assert "one text of" in found.tables()[0].note
