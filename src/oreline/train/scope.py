"""Calibrate a classifier on dev, and fit what tells rows that belong to none of its classes.

Both follow from logits and embeddings of the trained model alone, so that no method has a line of it: the model is
opened as it will be when it predicts.

Shape suffixes: N rows, K classes, D embedding width.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from oreline import registry, store
from oreline.errors import DataError, UsageError, did_you_mean
from oreline.recipe import TrainOptions
from oreline.runtime.open import open_runtime
from oreline.store import Artifact, Manifest
from oreline.tasks.classes import OneOfClasses
from oreline.train.job import Job, Method, Outcome, Rows
from oreline.types import Columns, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.types import Runtime

REMEMBERED_ROWS = 20_000
"""Training rows at most, drawn by the seed, that a rejector is shown the embeddings of."""


def asked(
    task: Task, options: TrainOptions, trainer: Method, train_targets: Sequence[Any], dev_targets: Sequence[Any]
) -> Task:
    """Return the task with what is to be fitted on dev after training, as the options, or a start model, ask for it.

    Args:
        task: as the training rows make it.
        options: `calibrate` and `reject`.
        trainer: the method.
        train_targets: of the training rows.
        dev_targets: of the rows that decide; empty where there are none.

    Raises:
        UsageError: the task or the method cannot reject.
        DataError: there are no dev rows, no rows of a label that was named, or none to train on where they are needed.
    """
    before = task.scope if isinstance(task, OneOfClasses) else None
    calibrates = options.calibrate or (isinstance(task, OneOfClasses) and task.temperature is not None)
    reject = _entry(options.reject) if options.reject else before.unfitted() if before else None
    if not calibrates and reject is None:
        return task
    what = "reject" if options.reject else "calibrate"
    if not isinstance(task, OneOfClasses):
        raise UsageError(f"{what} is for tasks with one class a row", remedy=f"leave train.{what} out")
    if reject and not getattr(trainer, "trains", True):
        raise UsageError("reject needs a method that learns from rows", remedy="--method head, or --method full")
    if not any(target is not None for target in dev_targets):
        raise DataError(
            f"{what} is fitted on dev, and there are no labelled dev rows",
            remedy="refine with a split dev: --split train=0.8,dev=0.1,test=0.1",
        )
    labels = list(task.labels)
    if reject:
        label = _outside_label(reject, options.reject is not None, train_targets, dev_targets)
        labels = labels if label in labels else [*labels, label]
        reject["options"]["label"] = label
    given = {**task.options, "labels": labels, "temperature": 1.0, **({"reject": reject} if reject else {})}
    changed: Task = type(task)(**given)
    return changed


def fitted(job: Job, outcome: Outcome, runtime: str, name: str) -> tuple[Job, Outcome]:
    """Return the job with its task as fitted on dev, and the outcome with the scores that it then gives dev.

    Args:
        job: of the training.
        outcome: the trained model, not yet written.
        runtime: name of the runtime that predicts with it.
        name: of the task plug.
    """
    task = job.task
    if not isinstance(task, OneOfClasses) or task.temperature is None or job.dev is None:
        return job, outcome
    with tempfile.TemporaryDirectory(dir=job.work.folder) as place:
        folder = Path(place)
        outcome.save(folder)
        unread = Manifest(runtime=runtime, task=name, task_options=task.options, max_tokens=outcome.max_tokens)
        opened = open_runtime(Artifact(folder, store.seal(folder, unread)), threads=job.options.threads)
        reads = task.scope is not None and task.scope.rejector.reads_embedding
        logits_NK, embedding_ND = logits(opened, job.dev.columns, embeddings=reads)
        if reads:
            task = task.holding(_memory(task, opened, job))
    task = task.fitted(job.dev.targets, logits_NK, embedding_ND)
    scores_NK = task.activate(logits_NK, embedding_ND)
    _say(job, task, scores_NK)
    return replace(job, task=task), replace(outcome, dev_outputs={"scores": scores_NK})


def logits(
    opened: Runtime, columns: Columns, *, embeddings: bool = False
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Return what a model's head says of rows, (N, K), before the task makes scores of it; and the embeddings."""
    task = opened.task
    opened.task = cast(Task, _Unscored(task))
    try:
        found = opened.predict(columns, embeddings=embeddings)
    finally:
        opened.task = task
    return found.outputs["scores"], found.embedding_ND


class _Unscored:
    """A task that leaves logits as they are."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)

    reads_embedding = False

    def activate(self, logits_NK: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the logits."""
        return logits_NK.astype(np.float32)


def _entry(given: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return a rejector's name and options as a task holds them. Raises `UsageError` for another form."""
    [(name, _)] = registry.create_all("rejector", [given])
    options = next(iter(given.values())) if isinstance(given, Mapping) else {}
    return {"rejector": name, "options": dict(options or {})}


def _outside_label(
    reject: Mapping[str, Any], is_asked: bool, train_targets: Sequence[Any], dev_targets: Sequence[Any]
) -> str:
    """Return the label of out-of-scope rows. Raises `DataError` where its rows are lacking."""
    rejector = registry.create("rejector", reject["rejector"], **reject["options"])
    label: str = rejector.label
    trained, judged = ({str(target) for target in targets} for targets in (train_targets, dev_targets))
    if is_asked and reject["options"].get("label") is not None and label not in trained | judged:
        raise DataError(
            f"no row of train or dev has the label {label!r} of out-of-scope rows",
            allowed=did_you_mean(label, sorted(trained)),
            remedy="correct the label; or leave it out, and the threshold keeps a share of the in-scope rows",
        )
    if is_asked and rejector.needs_rows and label not in trained:
        raise DataError(
            f"the rejector {reject['rejector']!r} learns from rows of the label {label!r}, and train has none",
            allowed=did_you_mean(label, sorted(trained)),
            remedy=f"add such rows, name their label (train.reject.{reject['rejector']}.label), or take "
            "softmax, energy or distance, which need none",
        )
    return label


def _memory(task: OneOfClasses, opened: Runtime, job: Job) -> Mapping[str, NDArray[np.float32]]:
    """Return what the rejector remembers of the training rows that are in scope."""
    rows: Rows = job.train
    inside = np.flatnonzero(rows.targets != task.outside)
    if len(inside) > REMEMBERED_ROWS:
        inside = np.sort(np.random.default_rng(job.seed).permutation(inside)[:REMEMBERED_ROWS])
    columns = {role: [values[row] for row in inside.tolist()] for role, values in rows.columns.items()}
    _, embedding_ND = logits(opened, columns, embeddings=True)
    rejector: Any = task.scope.rejector if task.scope is not None else None
    memory: Mapping[str, NDArray[np.float32]] = rejector.remember(embedding_ND, rows.targets[inside])
    return memory


def _say(job: Job, task: OneOfClasses, scores_NK: NDArray[np.float32]) -> None:
    targets_N: NDArray[Any] = job.dev.targets if job.dev is not None else np.empty(0)
    job.say(f"temperature {task.temperature:.3f}, fitted on {len(targets_N):,} dev rows")
    if task.scope is None:
        return
    right_N, outside_N = task.predicted(scores_NK) == targets_N, targets_N == task.outside
    inside = f"in-scope accuracy {right_N[~outside_N].mean():.4f} ({(~outside_N).sum():,} dev rows)"
    if outside_N.any():
        inside += f", out-of-scope recall {right_N[outside_N].mean():.4f} ({outside_N.sum():,} dev rows)"
    else:
        inside += f"; dev has no row labelled {task.labels[task.scope.outside]!r}"
    job.say(f"{task.scope.name} keeps {task.scope.kept:.1%} of the in-scope rows: {inside}")
