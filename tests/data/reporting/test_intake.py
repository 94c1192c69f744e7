"""What came in, and which class each row was of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from oreline.data.reporting import intake as module
from oreline.data.reporting.intake import Intake


def frame(source: str, first: int, labels: list[str | None]) -> pl.DataFrame:
    ids = [f"{source}:{first + n}" for n in range(len(labels))]
    return pl.DataFrame({"row_id": ids, "text": ["好"] * len(labels), "label": labels})


def test_classes_of_named_rows_over_frames_and_sources():
    intake = Intake()
    for part in (frame("a.csv", 1, ["x", "y"]), frame("b.csv", 1, ["y"]), frame("a.csv", 3, ["x", None])):
        intake.add(part)
    assert intake.tally.all_classes() == {"x": 2, "y": 2}
    lines = pl.DataFrame(
        {
            "row_id": ["a.csv:3", "b.csv:1", "a.csv:4", "a.csv:99", "c.csv:1"],
            "operator": ["one", "one", "one", "two", "one"],
        }
    )
    counts = {name: values.tolist() for name, values in intake.class_counts(lines).items()}
    assert intake.classes == ["x", "y"]
    assert counts == {"one": [1, 1], "two": [0, 0]}
    assert {name: values.tolist() for name, values in intake.class_counts(lines).items()} == counts


def test_without_labels_or_with_too_many():
    intake = Intake()
    intake.add(frame("a", 1, ["x"]).drop("label"))
    assert intake.class_counts(pl.DataFrame({"row_id": ["a:1"], "operator": ["one"]})) == {}
    intake.add(frame("a", 2, [str(n) for n in range(1500)]))
    assert intake.classes == []
    intake.add(frame("a", 2, []))


LABELS = [None, "x", "y", "z"]


def drawn(random: np.random.Generator, source: str, numbers: np.ndarray) -> pl.DataFrame:
    labels = [LABELS[code] for code in random.integers(0, len(LABELS), len(numbers))]
    ids = [f"{source}:{number}" for number in numbers.tolist()]
    return pl.DataFrame({"row_id": ids, "text": ["t"] * len(ids), "label": labels}, schema_overrides={"label": str})


@pytest.mark.parametrize("max_bytes", [0, 1 << 20])
def test_classes_are_those_of_a_table_of_all_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, max_bytes: int
) -> None:
    """Sources with holes, small and large, by turns, some of whose rows come later; written and read in blocks."""
    monkeypatch.setattr(module, "_MAX_BYTES", max_bytes)
    monkeypatch.setattr(module, "_MAX_HOLE", 50)
    monkeypatch.setattr(module, "_BLOCK", 64)
    random = np.random.default_rng(0)
    frames = []
    for source in "abc":
        numbers = np.cumsum(random.choice([1, 1, 2, 9, 400], 4000))
        is_late = random.random(len(numbers)) < 0.2
        for own in (numbers[~is_late], numbers[is_late]):
            frames += [drawn(random, source, some) for some in np.array_split(own, 7)]
    frames = [frames[place] for place in random.permutation(len(frames))]
    intake = Intake()
    for number, some in enumerate((frames[:20], frames[20:])):
        part = Intake()
        for rows in some:
            part.add(rows)
        part.write(tmp_path / str(number))
        intake.read(tmp_path / str(number))
    everything = pl.concat(frames).sample(fraction=1.0, shuffle=True, seed=1)
    lines = everything.with_columns(operator=pl.Series(random.choice(["one", "two"], everything.height)))
    asked = pl.concat([lines.select("row_id", "operator"), lines.select(pl.col("row_id") + "9", "operator")])
    found = intake.class_counts(asked)
    known = dict(everything.select("row_id", "label").iter_rows())
    for operator, counts in found.items():
        rows = asked.filter(pl.col("operator") == operator)["row_id"].to_list()
        wanted = [sum(known.get(row) == label for row in rows) for label in intake.classes]
        assert counts.tolist() == wanted
        assert min(wanted) > 500


def test_too_many_classes_stay_too_many(tmp_path: Path) -> None:
    many, few = Intake(), Intake()
    many.add(frame("a", 1, [str(n) for n in range(1500)]))
    few.add(frame("b", 1, ["x", "y"]))
    both = Intake()
    for number, part in enumerate((few, many)):
        part.write(tmp_path / str(number))
        both.read(tmp_path / str(number))
    assert both.classes == []
    assert both.class_counts(pl.DataFrame({"row_id": ["b:1"], "operator": ["one"]})) == {}


def test_rows_without_any_label(tmp_path: Path) -> None:
    intake = Intake()
    intake.add(frame("a", 1, [None, None]))
    intake.add(frame("a", 3, ["x"]))
    counts = intake.class_counts(pl.DataFrame({"row_id": ["a:1", "a:3", "a:3"], "operator": ["one"] * 3}))
    assert counts["one"].tolist() == [2]


def test_of_rows_that_lie_in_too_many_places_no_class_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where each row is a document, what is held of their sources would grow with the rows."""
    monkeypatch.setattr(module, "_MAX_RUNS", 3)
    few, many, both = Intake(), Intake(), Intake()
    few.add(pl.concat([frame(f"{n}.txt", 1, ["x"]) for n in range(3)]))
    assert few.class_counts(pl.DataFrame({"row_id": ["1.txt:1"], "operator": ["one"]}))["one"].tolist() == [1]
    many.add(pl.concat([frame(f"{n}.md", 1, ["x"]) for n in range(4)]))
    for name, intake in (("few", few), ("many", many)):
        intake.write(tmp_path / name)
        both.read(tmp_path / name)
    for intake in (many, both):
        assert (intake.classes, intake._rows.num_runs) == ([], 0)
        assert intake.class_counts(pl.DataFrame({"row_id": ["1.txt:1"], "operator": ["one"]})) == {}
    assert both.tally.all_classes() == {"x": 7}
