"""The rows that training reads: which they are, their task, and their targets as the task encodes them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from oreline import registry, store
from oreline.data.dataset import UNLABELLED
from oreline.data.fold import row_hashes
from oreline.data.targets import labelled_frame
from oreline.errors import DataError, did_you_mean
from oreline.metrics.tags import OUTSIDE
from oreline.tasks.reading import fitting, reading, refuse_unreadable
from oreline.train.job import Rows
from oreline.train.weights import WEIGHT, row_weights
from oreline.types import Task
from oreline.values import naming

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.data.dataset import Dataset


def training_frame(data: Dataset, task: Any, known: Sequence[str] = (), *, weighted: bool = False) -> pl.DataFrame:
    """Return the training rows: `row_id`, the task's inputs and its target, and what each counts where `weighted`.

    With classes that are `known` without rows there may be no target, and no row. Raises `DataError` when a column is
    missing or no row has a target.
    """
    has_target = task.target in data.manifest.columns or not known
    wanted = [*task.inputs, *([task.target] if has_target else [])]
    _refuse_lacking(data, wanted)
    if not has_target:
        return pl.DataFrame(schema=dict.fromkeys(["row_id", *task.inputs, task.target], pl.String))
    if not known:
        refuse_unlabelled(data, task)
    wanted += [WEIGHT] if weighted and WEIGHT in data.manifest.columns and WEIGHT not in wanted else []
    frame = labelled_frame(data, trained_split(data), task, ["row_id", *wanted])
    return frame.filter(pl.col(task.target).is_not_null())


def trained_split(data: Dataset) -> str:
    """Return the split that is trained on: `train`, or the only one there is."""
    return "train" if "train" in data.splits else data.splits[0]


def refuse_unlabelled(data: Dataset, task: Any) -> None:
    """Raise `DataError` where the data lack the task's target, or none of the rows to train on has one."""
    _refuse_lacking(data, [task.target])
    split = trained_split(data)
    if data.scan(split, [task.target]).filter(pl.col(task.target).is_not_null()).head(1).collect().is_empty():
        raise DataError(
            f"no row of the split {split!r} has the role {task.target!r}, so there is nothing to train on",
            remedy="check which column has that role, and the rows that refine dropped (report.html)",
        )


def _refuse_lacking(data: Dataset, roles: Sequence[str]) -> None:
    for role in roles:
        if role not in data.manifest.columns:
            raise DataError(
                f"the data has no column with the role {role!r}",
                where=str(data.path),
                allowed=did_you_mean(role, data.manifest.columns),
                remedy=f"refine it again and name the column: oreline refine SOURCE {naming(role)}"
                + (f"; or {other}" if (other := fitting(data.manifest.columns)) else ""),
            )


def open_task_for(
    task: str,
    frame: pl.DataFrame,
    start: Path | None,
    known: Sequence[str] = (),
    given: Mapping[str, Any] | None = None,
    *,
    grows: bool = False,
) -> Task:
    """Build the task for these rows; a start artifact of the same task that knows all labels keeps its own order.

    `known` are the classes where the method names them. Raises `DataError` for a row of another, and where some labels
    are the start artifact's and others are not: a head of other labels begins anew, and what it knew would be lost.
    With `grows` that is wanted: a label that says "none of these" is new to the start artifact.
    """
    targets = frame[registry.get("task", task).target].to_list()
    if known:
        named: Task = registry.create("task", task, labels=list(known), **(given or {}))
        if unnamed := next((str(target) for target in targets if not named.knows(target)), None):
            num_rows = sum(str(target) == unnamed for target in targets)
            raise DataError(
                f"the label {unnamed!r} ({num_rows:,} rows) has no description",
                allowed=did_you_mean(unnamed, known),
                remedy="describe it too (method_options.descriptions), correct the label, or leave its rows out",
            )
        return named
    options = registry.get("task", task).options_from(targets)
    if start is not None and (start / store.MANIFEST).is_file():
        manifest = store.read_manifest(start)
        if manifest.task == task:
            parent: Task = registry.create("task", task, **manifest.task_options)
            if all(parent.knows(target) for target in targets):
                options = manifest.task_options
            elif not grows:
                _refuse_half_known(parent, registry.create("task", task, **options), targets)
    opened: Task = registry.create("task", task, **{**options, **(given or {})})
    return opened


def _refuse_half_known(parent: Task, fresh: Task, targets: Sequence[Any]) -> None:
    shared = [label for label in fresh.labels if label in parent.labels and label != OUTSIDE]
    if not shared:
        return  # another set of labels altogether: a new head is what is wanted
    unknown = [label for label in fresh.labels if label not in parent.labels]
    row = next(number for number, target in enumerate(targets) if not parent.knows(target))
    raise DataError(
        f"the start model knows {len(shared)} of the labels, and not {_listed(unknown)}",
        allowed=did_you_mean(unknown[0], parent.labels),
        remedy="correct the label, or begin a new head on the start model's own start (its model card names it)",
        row=row,
    )


def _listed(labels: Sequence[str]) -> str:
    """Return labels in quotes, the first five of them; a row that is named has one of all."""
    more = f" and {len(labels) - 5:,} more" if len(labels) > 5 else ""
    return ", ".join(repr(label) for label in labels[:5]) + more


@contextlib.contextmanager
def naming_rows(frame: pl.DataFrame) -> Iterator[None]:
    """Give an error about one of the rows that are trained on the row's own name."""
    try:
        yield
    except DataError as error:
        if error.row is not None and not error.where:
            error.where = str(frame["row_id"][error.row])
        raise


def encoded_rows(frame: pl.DataFrame, task: Task) -> Rows:
    """Return rows with their targets as the task encodes them. Raises `DataError` naming a row that it refuses."""
    columns = {role: frame[role].to_list() for role in task.inputs}
    with naming_rows(frame):
        refuse_unreadable(task, columns)
        targets = reading(task, columns).encode_target(frame[task.target].to_list())
        return Rows(
            columns, targets, weights_N=row_weights(frame) if WEIGHT not in (*task.inputs, task.target) else None
        )


def targets_of(data: Dataset, split: str, task: Task) -> list[Any]:
    """Return a split's targets; none where there is no such split or column."""
    if not data.manifest.splits.get(split) or task.target not in data.manifest.columns:
        return []
    return data.frame(split, [task.target])[task.target].to_list()


def dev_rows(data: Dataset, task: Task, trained: NDArray[np.uint64] | None = None) -> Rows | None:
    """Return the dev rows whose target the task knows, without those with a hash in `trained`; None of none.

    Raises `DataError` for one whose target cannot be right: tags that break their scheme, a number that is none.
    """
    if not data.manifest.splits.get("dev") or task.target not in data.manifest.columns:
        return None
    wanted = ["row_id", *task.inputs, task.target]
    frame = labelled_frame(data, "dev", task, wanted).filter(pl.col(task.target).is_not_null())
    refuse_malformed(frame, task)
    # A class that is too rare for train may stand in dev alone: it cannot be scored, and evaluate will name it.
    frame = frame.filter([task.knows(target) for target in frame[task.target].to_list()])
    if trained is not None:
        frame = frame.filter(~np.isin(row_hashes(frame, list(task.inputs)), trained))
    return encoded_rows(frame, task) if frame.height else None


def refuse_malformed(frame: pl.DataFrame, task: Task) -> None:
    """Raise `DataError` naming the row whose target cannot be right, where the task can tell."""
    if hasattr(task, "refuse_malformed"):
        with naming_rows(frame):
            task.refuse_malformed(frame[task.target].to_list())


def asked_in_training(frame: pl.DataFrame, task: Task) -> NDArray[np.uint64] | None:
    """Return the hashes of the inputs of training rows, where other rows may have them with another right target.

    Refine keeps rows of equal inputs and targets in one split, not all rows of a query. None for all other tasks.
    """
    return row_hashes(frame, list(task.inputs)) if getattr(task, "several", False) else None


def held_out(data: Dataset, task: Task) -> NDArray[np.uint64]:
    """Return the hashes of the inputs in all splits but the one that is trained on and that of unlabelled rows."""
    learnt = ("train" if "train" in data.splits else data.splits[0], UNLABELLED)
    frames = [data.frame(split, list(task.inputs)) for split in data.splits if split not in learnt]
    return np.concatenate([np.zeros(0, np.uint64), *(row_hashes(frame, list(task.inputs)) for frame in frames)])


def unlabelled_columns(data: Dataset, task: Task) -> dict[str, list[str]] | None:
    """Return the inputs of the rows without a label that were kept; None where there are none."""
    if not data.manifest.splits.get(UNLABELLED):
        return None
    frame = data.frame(UNLABELLED, list(task.inputs)).drop_nulls()
    return {role: frame[role].to_list() for role in task.inputs}
