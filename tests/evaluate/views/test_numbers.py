"""What a report shows of numbers."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.evaluate.table import Table
from oreline.evaluate.views.numbers import View
from oreline.tasks.regression import Task


@pytest.fixture
def table() -> Table:
    source = np.random.default_rng(0)
    true_N = source.normal(size=100)
    scores_N1 = (true_N + source.normal(scale=0.3, size=100) + 0.1)[:, None]
    names = [f"f:{row}" for row in range(100)]
    return Table(Task(mean=10, spread=2, cuts=[9, 10, 11]), true_N, scores_N1, names, names)


def test_errors_are_in_the_targets_own_unit_by_quarter(table: Table):
    by_band, _ = View().tables(table, "test", 0)
    assert [row[0] for row in by_band.rows] == ["below 9", "9 to 10", "10 to 11", "from 11"]
    assert sum(row[1] for row in by_band.rows) == 100
    error_N = 2 * (table.predicted - table.targets)
    below_N = 10 + 2 * table.targets < 9
    assert by_band.rows[0][2].value == pytest.approx(np.abs(error_N[below_N]).mean())
    assert by_band.rows[0][3].value == pytest.approx(np.sqrt((error_N[below_N] ** 2).mean()))
    assert by_band.rows[0][4] == pytest.approx(error_N[below_N].mean(), abs=1e-4)


def test_the_largest_errors_come_first(table: Table):
    _, worst = View().tables(table, "test", 0)
    errors = [row[4] for row in worst.rows]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] == pytest.approx(2 * np.abs(table.predicted - table.targets).max(), abs=1e-4)
    assert abs(float(worst.rows[0][2]) - float(worst.rows[0][3])) == pytest.approx(errors[0], abs=1e-3)


def test_the_picture_has_a_point_for_each_tenth(table: Table):
    [chart] = View().charts(table, "test")
    assert len(chart.data["x"]["model"]) == 10
    assert chart.data["x"]["model"] == sorted(chart.data["x"]["model"])
    assert np.mean(chart.data["y"]["model"]) == pytest.approx(10 + 2 * table.targets.mean())


def test_equal_targets_are_warned_of(table: Table):
    same = Table(table.task, np.zeros(100), table.scores, table.row_ids, table.texts)
    assert "the same target" in next(View().warnings(same, "test"))
    assert not list(View().warnings(table, "test"))
