"""What a report shows of answers that are spans."""

from __future__ import annotations

import numpy as np

from oreline.evaluate.table import Table
from oreline.evaluate.views.answers import View, kind_of_mistake
from oreline.metrics.answers import Answer
from oreline.runtime.windows import ragged
from oreline.tasks.question_answering import Task


def table(threshold: float | None = 0.0, truths: tuple[str | None, ...] = ("1912", "1912", None, None)) -> Table:
    columns = {"text": ["when?"] * 4, "text_pair": ["in the year 1912", "in the year 1912", "in Rome", "in " * 400]}
    task = Task(threshold=threshold)
    scores = []
    for row, place in enumerate([4, 1, 0, 2]):
        scores.append(np.full((1 + len(columns["text_pair"][row].split()), 2), 0.01, np.float32))
        scores[-1][place] = 0.9
    ids = [f"f:{row}" for row in range(1, 5)]
    targets = task.reading(columns).encode_target(truths)
    texts = [" | ".join(pair) for pair in zip(*columns.values())]
    return Table(task, targets, ragged(scores), ids, texts, columns=columns)


def test_both_kinds_lengths_mistakes_and_the_worst_rows() -> None:
    by_kind, by_context, by_answer, mistakes, worst = View().tables(table(), "test", 0)
    assert [(row[0], row[1], row[2]) for row in by_kind.rows] == [
        ("answerable", 2, 2),
        ("no answer in the context", 2, 1),
    ]
    assert by_kind.rows[0][3].value == 0.5
    assert [row[0] for row in by_context.rows] == ["1 to 100", "301 to 1000"]
    assert [row[0] for row in by_answer.rows] == ["(no answer)", "1 word"]
    assert {row[0]: row[1] for row in mistakes.rows if row[1]} == {"made up": 1, "elsewhere": 1}
    assert [row[0] for row in worst.rows] == ["f:2", "f:4"]
    assert worst.rows[0][2:4] == ["1912", "in"]
    [chart] = View().charts(table(), "test")
    assert chart.data["series"] == {"true": [2, 2], "predicted": [1, 3]}


def test_warnings() -> None:
    assert list(View().warnings(table(), "test")) == []
    [always] = View().warnings(table(threshold=None), "test")
    assert "2 questions" in always
    [never] = View().warnings(table(truths=("1912", "1912", "Rome", "in")), "test")
    assert "not measured" in never


def test_kinds_of_mistakes() -> None:
    true = (Answer("b c", 2, 5),)
    kinds = [kind_of_mistake(true, (Answer("", *place),)) for place in ((0, 7), (2, 3), (4, 7), (6, 7))]
    assert kinds == ["too long", "too short", "overlaps", "elsewhere"]
    assert (kind_of_mistake(true, ()), kind_of_mistake((), true)) == ("missed", "made up")
