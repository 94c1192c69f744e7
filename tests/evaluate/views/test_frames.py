"""What a report shows of intents and slots."""

from __future__ import annotations

import numpy as np

from oreline.evaluate.table import Table
from oreline.evaluate.views.frames import View, parts_of
from oreline.runtime.windows import ragged
from oreline.tasks.intent_slots import Task

TASK = Task(intents=["go", "stop"], tags=["O", "B-X", "I-X"])
TRUE = [["go", "O", "B-X"], ["stop", "B-X", "I-X"], ["halt", "O"]]
GIVEN = [["go", "O", "B-X"], ["go", "B-X", "O"], ["go", "O"]]


def table() -> Table:
    scores = ragged([np.eye(5, dtype=np.float32)[row] for row in TASK.encode_target(GIVEN)])
    names = ["f:1", "f:2", "f:3"]
    return Table(TASK, TASK.encode_judged(TRUE), scores, names, names)


def test_parts_are_tables_of_their_own() -> None:
    intents, slots = parts_of(table())
    assert (intents.row_ids, intents.targets.tolist(), intents.predicted.tolist()) == (["f:1", "f:2"], [0, 1], [0, 0])
    assert [row.tolist() for row in slots.targets] == [[0, 1], [1, 2], [0]]
    assert [row.tolist() for row in slots.predicted] == [[0, 1], [1, 0], [0]]


def test_tables_charts_and_warnings_are_those_of_both_parts() -> None:
    titles = [shown.title for shown in View().tables(table(), "test", 0)]
    assert titles == [
        "Per class, split 'test'", "Per label, split 'test'", "Mistakes by kind, split 'test'",
        "Rows with the worst frames, split 'test'",
    ]  # fmt: skip
    worst = View().tables(table(), "test", 0)[-1]
    assert worst.rows[0][:4] == ["f:2", "f:2", "stop: X 1-2", "go: X 1"]
    assert [chart.kind for chart in View().charts(table(), "test")] == ["matrix", "reliability", "bars"]
    assert next(iter(View().warnings(table(), "test"))).startswith("1 rows of the split 'test' have a label that")
