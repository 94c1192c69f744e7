"""What came in, and which class each row was of."""

from __future__ import annotations

import polars as pl

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
