"""What a report shows of found texts."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.evaluate.table import Table
from oreline.evaluate.views.retrieval import View
from oreline.runtime.windows import ragged
from oreline.tasks.embedding import Task


@pytest.fixture
def table() -> Table:
    source = np.random.default_rng(0)
    scores = [source.integers(1, 40, size=(1 + row % 2, 2)).astype(float) for row in range(40)]
    scores[0][:, :] = 1
    rows = [f"f:{row}" for row in range(40)]
    targets = ragged([tuple(f"text {row} {place}" for place in range(len(each))) for row, each in enumerate(scores)])
    found = [f"found {row}" for row in range(40)]
    return Table(Task(sizes=[8, 4]), targets, ragged(scores), rows, rows, answers=found)


def test_figures_stand_by_size(table: Table):
    by_size, by_rank, worst = View().tables(table, "test", 0)
    assert [row[0] for row in by_rank.rows] == [1, 2, 3, 5, 10, 20, 50, 100]
    assert by_rank.rows[0][1].value == pytest.approx(np.mean([ranks_WK[:, 0].min() == 1 for ranks_WK in table.scores]))
    assert by_rank.rows[-1][1].value == 1.0
    assert [row[0] for row in by_size.rows] == ["8", "4"]
    for k in (0, 1):
        best = [ranks_WK[:, k].min() for ranks_WK in table.scores]
        shares = [1 / rank if rank <= 10 else 0 for rank in best]
        assert by_size.rows[k][4].value == pytest.approx(np.mean(shares))
        assert by_size.rows[k][4].n == 40
    assert worst.rows[0][3].startswith("found ")


def test_the_queries_that_find_the_least_come_first(table: Table):
    worst = View().tables(table, "test", 0)[-1]
    shown = [int(row[0].split(":")[1]) for row in worst.rows]
    best = [table.scores[row][:, 0].min() for row in shown]
    assert best == sorted(best, reverse=True)
    assert 0 not in shown


def test_the_picture_counts_down_to_each_rank(table: Table):
    [chart] = View().charts(table, "test")
    assert set(chart.data["y"]) == {"8 numbers", "4 numbers"}
    for shares in chart.data["y"].values():
        assert shares == sorted(shares)
        assert 0 < shares[0] <= shares[-1] <= 1


def test_few_texts_are_warned_of(table: Table):
    [warning] = View().warnings(table, "test")
    assert "only about 60 texts" in warning
    table.scores[0][:, :] = 80
    [warning] = View().warnings(table, "test")
    assert "only about 80 texts" in warning, "a text stands at rank 80: there are so many"
    table.scores[0][:, :] = 100
    assert list(View().warnings(table, "test")) == []


def test_one_size_is_no_table_of_sizes(table: Table):
    whole = Table(Task(), table.targets, ragged([row[:, :1] for row in table.scores]), table.row_ids, table.texts)
    assert [shown.title.split(",")[0] for shown in View().tables(whole, "test", 0)] == [
        "Queries that find a relevant text",
        "Queries that find the least",
    ]
