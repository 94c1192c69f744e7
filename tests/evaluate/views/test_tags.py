"""What a report shows of tagged words."""

from __future__ import annotations

import numpy as np
import pytest
from seqeval.metrics import classification_report

from oreline.evaluate.table import Table
from oreline.evaluate.views.tags import View, kinds_of_mistakes
from oreline.metrics.tags import Entity
from oreline.runtime.windows import ragged
from oreline.tasks.token_classification import Task

TAGS = ["O", "B-X", "I-X", "B-Y", "I-Y"]
TASK = Task(labels=TAGS)
TRUE = ["B-X I-X O B-Y", "O B-X O O", "B-Y I-Y", "O"]
GIVEN = ["B-X I-X O B-X", "O O O O", "B-Y O", "O"]


@pytest.fixture
def table() -> Table:
    scores = ragged([np.eye(5, dtype=np.float32)[row] for row in TASK.encode_target(GIVEN)])
    names = [f"f:{row}" for row in range(4)]
    return Table(TASK, TASK.encode_target(TRUE), scores, names, names)


def test_each_label_has_its_figures_the_weakest_first(table: Table) -> None:
    per_label, _, _ = View().tables(table, "test", 0)
    theirs = classification_report([row.split() for row in TRUE], [row.split() for row in GIVEN], output_dict=True)
    assert [row[0] for row in per_label.rows] == ["Y", "X"]
    for label, precision, recall, f1, *_ in per_label.rows:
        assert precision.value == pytest.approx(theirs[label]["precision"])
        assert (recall.value, recall.n) == pytest.approx((theirs[label]["recall"], theirs[label]["support"]))
        assert f1 == pytest.approx(theirs[label]["f1-score"], abs=1e-4)


def test_mistakes_are_told_by_kind(table: Table) -> None:
    _, mistakes, worst = View().tables(table, "test", 0)
    assert {row[0]: row[1] for row in mistakes.rows} == {
        "wrong label": 1, "missed": 1, "wrong words": 1, "made up": 0, "wrong label and words": 0,
    }  # fmt: skip
    assert [row[0] for row in worst.rows] == ["f:1", "f:2", "f:0"]
    assert worst.rows[0][2:5] == ["X 2", "(none)", 0.0]


@pytest.mark.parametrize(
    ("true", "predicted", "kinds"),
    [
        ([], [Entity(0, 1, "X")], ["made up"]),
        ([Entity(0, 2, "X")], [Entity(1, 3, "Y")], ["wrong label and words"]),
        ([Entity(0, 2, "X")], [], ["missed"]),
        ([Entity(0, 2, "X")], [Entity(0, 2, "X")], []),
    ],
)
def test_kinds(true: list[Entity], predicted: list[Entity], kinds: list[str]) -> None:
    assert kinds_of_mistakes(true, predicted) == kinds


def test_the_picture_counts_entities_and_what_is_not_measured_is_said(table: Table) -> None:
    [chart] = View().charts(table, "test")
    assert chart.data == {"labels": ["X", "Y"], "series": {"true": [2, 2], "predicted": [2, 1]}}
    assert list(View().warnings(table, "test")) == []
    scores = ragged([np.eye(5, dtype=np.float32)[[1]]])
    unseen = Table(TASK, TASK.encode_judged([["B-Z"]]), scores, ["f:1"], ["f:1"])
    assert list(View().warnings(unseen, "test")) == [
        "1 entities of the split 'test' have a tag that training never saw: they count as missed",
        "no entity of the split 'test' has the label X, Y: nothing is measured there",
    ]
