"""What a report shows of a classifier that rejects."""

from __future__ import annotations

import numpy as np
import pytest

from oreline import registry
from oreline.evaluate.rejection import places, trade
from oreline.evaluate.table import Table
from oreline.tasks.text_classification import Task


def table_of(targets: list[int], scores: list[list[float]]) -> Table:
    task = Task(labels=["a", "b", "oos"], reject={"rejector": "energy", "options": {"label": "oos"}})
    ids = [str(row) for row in range(len(targets))]
    return Table(task, np.asarray(targets), np.asarray(scores, np.float32), ids, ids)


@pytest.fixture
def table() -> Table:
    """Twenty in-scope rows, of which one is rejected and one is wrong, and four others, of which one is kept."""
    inside = [[0.8, 0.1, 0.1 + row / 1000] for row in range(18)]
    return table_of(
        [0] * 20 + [2] * 4, [*inside, [0.1, 0.8, 0.1], [0.3, 0.1, 0.6], *[[0.1, 0.2, 0.7]] * 3, [0.5, 0.2, 0.3]]
    )


def test_the_first_row_is_the_threshold_that_is_set(table: Table):
    rows = trade(table, 2, "test").rows
    assert [estimate.value for estimate in rows[0][1:]] == pytest.approx([1 / 20, 18 / 20, 3 / 4])
    assert [estimate.n for estimate in rows[0][1:]] == [20, 20, 4]


def test_other_thresholds_reject_the_share_that_they_name(table: Table):
    rows = {row[0]: [estimate.value for estimate in row[1:]] for row in trade(table, 2, "test").rows[1:]}
    assert list(rows) == [f"rejecting {share} of in-scope rows" for share in ("0%", "5%", "10%", "20%")]
    assert rows["rejecting 0% of in-scope rows"] == pytest.approx([0, 19 / 20, 3 / 4])
    assert rows["rejecting 10% of in-scope rows"][0] == pytest.approx(0.1)
    assert rows["rejecting 10% of in-scope rows"][2] == 1


def test_without_rows_of_a_kind_there_is_a_dash():
    outside = table_of([2, 2], [[0.1, 0.2, 0.7]] * 2)
    assert len(trade(outside, 2, "test").rows) == 1
    assert trade(outside, 2, "test").rows[0][1:3] == [None, None]
    assert list(places(outside, 2, "test").data["series"]) == ["out of scope"]


def test_every_row_stands_in_the_chart(table: Table):
    chart = places(table, 2, "test")
    assert {name: sum(counts) for name, counts in chart.data["series"].items()} == {"in scope": 20, "out of scope": 4}
    middle = len(chart.data["edges"]) // 2
    assert sum(chart.data["series"]["in scope"][middle:]) == 1


def test_the_view_shows_both_only_where_something_is_rejected(table: Table):
    view = registry.create("view", "classes")
    assert view.tables(table, "test", 0)[0].title.startswith("In scope and out of scope")
    plain = Table(Task(labels=["a", "b", "oos"]), table.targets, table.scores, table.row_ids, table.texts)
    assert not any("scope" in shown.title for shown in view.tables(plain, "test", 0))
    assert len(view.charts(plain, "test")) == len(view.charts(table, "test")) - 1
