"""What a report shows of classes."""

from __future__ import annotations

from oreline.evaluate.evaluate import evaluate
from oreline.evaluate.views.classes import MAX_MATRIX_CLASSES, confusion


def test_a_matrix_of_many_classes_shows_those_with_mistakes(make_linear, data):
    labels = ("fresh", "rotten", *(f"label {number:02d}" for number in range(160)))
    chart = evaluate(make_linear(labels=labels), data).charts[0]
    assert len(chart.data["labels"]) == MAX_MATRIX_CLASSES
    assert {"fresh", "rotten"} <= set(chart.data["labels"])
    assert f"{MAX_MATRIX_CLASSES} of 162 classes" in chart.note
    assert "n = 240" in chart.note


def test_confusion_counts_rows_by_truth(make_table):
    table = make_table(50)
    for true in range(3):
        for predicted in range(3):
            expected = sum((table.targets == true) & (table.predicted == predicted))
            assert confusion(table)[true, predicted] == expected
