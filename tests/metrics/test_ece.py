"""Expected calibration error against a loop over bins, and cases known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.evaluate.table import Table
from oreline.metrics.ece import NUM_BINS, Metric, reliability
from oreline.tasks.text_classification import Task


def slow_ece(table: Table) -> float:
    """Guo et al. 2017, equation 5, bin by bin and row by row."""
    total = 0.0
    for number in range(NUM_BINS):
        low, high = number / NUM_BINS, (number + 1) / NUM_BINS
        rows = [
            row
            for row in range(table.num_rows)
            if low < table.scores[row].max() <= high or (number == 0 and table.scores[row].max() == 0)
        ]
        if rows:
            accuracy = sum(table.predicted[row] == table.targets[row] for row in rows) / len(rows)
            confidence = sum(table.scores[row].max() for row in rows) / len(rows)
            total += len(rows) / table.num_rows * abs(accuracy - confidence)
    return total


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(2, 6), st.integers(0, 10_000))
def test_equals_the_slow_version(random_table, num_rows: int, num_classes: int, seed: int):
    table = random_table(num_rows, num_classes, seed)
    # Off the edges of the bins, where a confidence of 1/3 may fall on either side by one rounding.
    table = Table(table.task, table.targets, table.scores * 0.9973, table.row_ids, table.texts)
    assert Metric().values(table, np.ones((1, num_rows)))["ece"][0] == pytest.approx(slow_ece(table))


def test_known_by_hand():
    scores_NK = np.array([[0.9, 0.1]] * 10)
    right_nine_times = Table(Task(labels=["a", "b"]), np.array([0] * 9 + [1]), scores_NK, ["r"] * 10, [""] * 10)
    right_six_times = Table(Task(labels=["a", "b"]), np.array([0] * 6 + [1] * 4), scores_NK, ["r"] * 10, [""] * 10)
    ones = np.ones((1, 10))
    assert Metric().values(right_nine_times, ones)["ece"][0] == pytest.approx(0.0)
    assert Metric().values(right_six_times, ones)["ece"][0] == pytest.approx(0.3)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 40), st.integers(2, 6), st.integers(0, 10_000))
def test_the_diagram_says_the_same_as_the_figure(random_table, num_rows: int, num_classes: int, seed: int):
    table = random_table(num_rows, num_classes, seed)
    diagram = reliability(table)
    assert sum(diagram["count"]) == num_rows
    bins = zip(diagram["confidence"], diagram["accuracy"], diagram["count"], strict=True)
    from_diagram = sum(count * abs(accuracy - confidence) for confidence, accuracy, count in bins) / num_rows
    assert Metric().values(table, np.ones((1, num_rows)))["ece"][0] == pytest.approx(from_diagram)
