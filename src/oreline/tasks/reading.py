"""A task and its rows: answers that point into their texts, texts that it cannot read, what makes two rows the same."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from oreline import registry
from oreline.errors import DataError
from oreline.types import Columns

if TYPE_CHECKING:
    from oreline.types import Task


def reading(task: Task, columns: Columns | None) -> Task:
    """Return the task as it answers these rows; itself where its answers need no texts, or none are given.

    What it returns encodes, predicts and tunes for exactly these rows, in this order.
    """
    bound = getattr(task, "reading", None)
    if bound is None or columns is None:
        return task
    found: Task = bound(columns)
    return found


def identity(task: Task) -> list[str]:
    """Return the columns by which rows are told apart: the inputs, and the target where they may have several."""
    return [*task.inputs, *([task.target] if getattr(task, "several", False) else [])]


def fitting(columns: Collection[str]) -> str:
    """Return the option for tasks that rows with these roles are for; empty where there is none.

    Of several tasks that have all they need those that use most of the roles: answers are more than two texts.

    >>> fitting(["text", "text_pair", "answers"]), fitting(["text", "target_text"]), fitting(["text"])
    ('--task question_answering', '--task chat or --task seq2seq', '')
    """
    plugs = {name: registry.get("task", name) for name in registry.names("task")}
    used = {name: {*plug.inputs, plug.target} for name, plug in plugs.items()}
    used = {name: roles for name, roles in used.items() if roles <= set(columns)}
    most = max(map(len, used.values()), default=0)
    return " or ".join(f"--task {name}" for name, roles in used.items() if len(roles) == most)


def refuse_unreadable(task: Task, columns: Columns) -> None:
    """Raise `DataError`, with the number of the row, for the first row whose inputs the task cannot read."""
    check = getattr(task, "fault", None)
    if check is None:
        return
    for number, values in enumerate(zip(*(columns[role] for role in task.inputs))):
        fault: DataError | None = check(dict(zip(task.inputs, values)))
        if fault is not None:
            fault.row = number
            raise fault
