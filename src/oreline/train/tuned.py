"""What a task chooses on dev after training, and the labels of which no row can teach or choose anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from oreline.errors import DataError
from oreline.tasks.reading import reading
from oreline.train.job import Job, Outcome, Rows

MOST_NAMED = 5
"""Labels that a sentence names."""


def tuned(job: Job, outcome: Outcome, name: str = "") -> tuple[Job, Outcome]:
    """Return the job with its task as tuned on dev, and the outcome with a warning of what could not be.

    Args:
        job: of the training.
        outcome: the trained model, not yet written.
        name: of the task, where there are several.
    """
    job = replace(job, task=outcome.task or job.task)
    if job.dev is None or outcome.dev_outputs is None:
        return job, outcome
    targets, task = job.dev.targets, reading(job.task, job.dev.columns)
    job = replace(job, task=task.tuned(targets, outcome.dev_outputs["scores"]))
    if said := _untuned(job.task, task.absent(targets) if hasattr(task, "absent") else []):
        job.say(f"warning: {name}{': ' * bool(name)}{said}")
        outcome = replace(outcome, warnings=[*outcome.warnings, said])
    return job, outcome


def refuse_absent(task: Any, train: Rows) -> None:
    """Raise `DataError` for a label that the task knows and no training row has: all rows would teach to deny it."""
    if said := absent_sentence(task, train):
        raise DataError(
            said,
            allowed="a row, or some, for every label that the task or the start model knows",
            remedy="add rows that have it, or leave it out: of task_options.labels, or by a start model that does not "
            "know it; `oreline update` trains on old rows beside the new ones",
        )


def absent_sentence(task: Any, train: Rows) -> str:
    """Say of which labels no training row is; empty where there is none, or where a task's labels exclude each other.

    Of labels that exclude each other, the rows of the others say nothing that is not known already.
    """
    absent = task.absent(train.targets) if hasattr(task, "absent") else []
    return f"no training row has {_named(absent)}, so that training would only teach to deny it" if absent else ""


def _untuned(task: Any, absent: list[str]) -> str:
    if not absent:
        return ""
    given = task.thresholds_K[task.labels.index(absent[0])]  # of all labels together, the same for each of them
    return (
        f"no dev row has {_named(absent)}: no threshold can be tuned there, so that of all labels together stands, "
        f"{given:.2f}; add dev rows that have it"
    )


def _named(labels: list[str]) -> str:
    shown = ", ".join(map(repr, labels[:MOST_NAMED]))
    more = f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
    return f"the label {shown}" if len(labels) == 1 else f"any of the labels {shown}{more}"
