"""A task and its rows: answers that point into their texts, texts that it cannot read, what makes two rows the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
