"""What sources share."""

from __future__ import annotations

import itertools
import operator
import resource
from pathlib import Path

import numpy as np
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


def in_memory(rows: list[tuple[str, str, str | None]]) -> list[tuple[str, str, int, int]]:
    """Count by sets, from source, text and label of each row."""
    labels: dict[str, dict[str, set[str | None]]] = {}
    for source, text, label in rows:
        labels.setdefault(source, {}).setdefault(text, set()).add(label)
    found = []
    for first, second in itertools.combinations(labels, 2):
        both = labels[first].keys() & labels[second].keys()
        conflicts = sum(not labels[first][text] & labels[second][text] for text in both)
        found += [(first, second, len(both), conflicts)] if both else []
    return found


@pytest.mark.parametrize("room", [20, 300, 1 << 18])
def test_counts_do_not_depend_on_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """Some texts stand in more rows than there is room for; written by two readers, and read."""
    monkeypatch.setattr(fusion, "_ROOM", room)
    monkeypatch.setattr(fusion, "_BUCKETS", 4)
    monkeypatch.setattr(fusion, "_BLOCK", 64)
    random = np.random.default_rng(0)
    texts = (1200 * random.random(6000) ** 3).astype(int)
    rows = [
        (str(source), f"text {text}", None if label == 3 else f"{label}")
        for source, text, label in zip(random.choice(list("abcd"), 6000), texts, random.integers(0, 4, 6000))
    ]
    first_of = operator.itemgetter(0)
    rows = sorted(rows[:3000], key=first_of) + rows[3000:]
    whole = Fusion()
    for number, some in enumerate((rows[:4000], rows[4000:])):
        part = Fusion()
        for low in range(0, len(some), 100):
            for source, own in itertools.groupby(sorted(some[low : low + 100], key=first_of), first_of):
                _, own_texts, labels = zip(*own)
                schema = {"text": pl.String, "label": pl.String}
                part.add(source, pl.DataFrame({"text": own_texts, "label": labels}, schema=schema))
        part.write(tmp_path / str(number))
        whole.read(tmp_path / str(number))
    wanted = in_memory(rows)
    assert whole.pairs().rows() == wanted
    assert all(shared > conflicts > 0 for _, _, shared, conflicts in wanted)


def test_labels_that_are_all_different_are_not_compared_one_by_one() -> None:
    """One text with 3,000 labels in each of two sources: every label was joined with every other."""
    found = Fusion()
    for name in "ab":
        labels = [f"{name} {n}" for n in range(3000)]
        found.add(name, pl.DataFrame({"text": ["same"] * 3000, "label": labels}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert found.pairs().rows() == [("a", "b", 1, 1)]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
