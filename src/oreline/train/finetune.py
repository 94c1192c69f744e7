"""Fine-tune: from labelled rows and a start model to an artifact."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from oreline import registry, store
from oreline.data.fold import row_hashes
from oreline.errors import DataError, did_you_mean
from oreline.recipe import TrainOptions
from oreline.store import Artifact, Manifest
from oreline.train.artifact import EstimateDev, dev_metrics, lineage, write_artifact
from oreline.train.checkpoint import Workspace
from oreline.train.job import Job, Method, Outcome, Rows, Score, named_method
from oreline.train.regularize import regularizers
from oreline.train.tracking import logs_folder
from oreline.types import Event, OnEvent, Task, ignore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.data.dataset import Dataset


def finetune(
    start: Path | None,
    data: Dataset,
    *,
    task: str,
    method: str,
    method_options: Mapping[str, Any] | None = None,
    options: TrainOptions | None = None,
    out: str | Path,
    seed: int = 0,
    force: bool = False,
    score: Score,
    estimate: EstimateDev | None = None,
    origin: Mapping[str, str] | None = None,
    resolved: Mapping[str, Any] | None = None,
    rows: pl.DataFrame | None = None,
    on_event: OnEvent = ignore,
) -> Artifact:
    """Train a model for a task and write it as an artifact.

    A run that was killed continues with the same call, from its last checkpoint, to the bit-same weights.

    Args:
        start: folder of the start model, or of an artifact to train on; None for methods that need none.
        data: a dataset; its split `train` (or its only split) is trained on, `dev` chooses among what was trained.
        task: name of a task plug.
        method: name of a method plug, or of an adapter; `method_options` are its keyword arguments.
        options: how to train.
        out: the artifact's folder.
        seed: of every random choice.
        force: replace `out` if it exists.
        score: figures on dev by name; the task's first metric decides.
        estimate: figures with intervals on dev, for the manifest and the model card.
        origin: name and licence of the start model, for the lineage and the model card.
        resolved: what an earlier run resolved on its machine; nothing of it is probed again.
        rows: training rows that replace the train split (an update trains on fresh rows and some of the old).
        on_event: is told progress.

    Raises:
        DataError: no label column, fewer than two classes, a label column that is no label.
        UsageError: `out` exists, an unknown task, method or option.
    """
    store.refuse_existing(out, force=force)
    options = options or TrainOptions()
    method, method_options = named_method(method, method_options or {})
    trainer = registry.create("method", method, **method_options)
    registry.create("optimizer", options.optimizer, **options.optimizer_options)  # refused now, not after the loading
    regularizers(options.regularizers)
    frame, opened = _rows_and_task(trainer, data, task, start, rows)
    recorded = {
        "task": task,
        "method": method,
        "method_options": method_options,
        "train": options.model_dump(),
        "seed": seed,
        "start": str(start.absolute()) if start else None,
        "data": str(data.path.absolute()),
    }
    work = Workspace.beside(out)
    if work.claim(_identity(data, frame, opened, recorded, start)):
        on_event(Event("train", message="an earlier try at the same job left a checkpoint: continuing from it"))
    job = Job(
        task=opened,
        start=start,
        train=_rows(frame, opened),
        dev=dev_rows(data, opened),
        options=options,
        seed=seed,
        work=work,
        logs=logs_folder(out, work, options),
        score=score,
        resolved=resolved,
        on_event=on_event,
        origin=origin or {},
        **_for_methods_inside(trainer, task, data, opened),
    )
    with work.kept_for_continuing(), _naming_rows(frame):
        job, outcome = _trained(trainer, job)
    manifest = _manifest(trainer.runtime, recorded, job, outcome, data, lineage(start, origin))
    manifest.metrics.update(dev_metrics(job, outcome, estimate))
    with store.writing(out, force=force) as folder:
        write_artifact(folder, manifest, outcome, job, data, frame)
    work.remove()
    return Artifact.open(out)


@contextlib.contextmanager
def _naming_rows(frame: pl.DataFrame) -> Iterator[None]:
    """Give an error about one of the rows that are trained on the row's own name."""
    try:
        yield
    except DataError as error:
        if error.row is not None and not error.where:
            error.where = str(frame["row_id"][error.row])
        raise


def _rows_and_task(
    trainer: Method, data: Dataset, task: str, start: Path | None, rows: pl.DataFrame | None
) -> tuple[pl.DataFrame, Task]:
    """Return the rows to train on, and the task as the method reads it."""
    known = tuple(getattr(trainer, "labels", ()))
    frame = training_frame(data, registry.get("task", task), known) if rows is None else rows
    with _naming_rows(frame):
        opened = open_task_for(task, frame, start, known)
    if hasattr(trainer, "adapted"):
        opened = trainer.adapted(opened)
    if not getattr(trainer, "trains", True):
        frame = frame.clear()  # what is not trained on is left to evaluate with
    return frame, opened


def _trained(trainer: Method, job: Job) -> tuple[Job, Outcome]:
    """Train; return the job with its task as tuned on dev, and the outcome with the time it took."""
    started = time.perf_counter()
    outcome = trainer.train(job)
    seconds = round(time.perf_counter() - started, 3)
    outcome = replace(outcome, measurements={"train_s": seconds, "rows": len(job.train), **outcome.measurements})
    if job.dev is not None and outcome.dev_outputs is not None:
        job = replace(job, task=job.task.tuned(job.dev.targets, outcome.dev_outputs["scores"]))
    return job, outcome


def _ordered(content: Any) -> Any:
    """Return a mapping with its keys in order, inner ones too: a rerun reads them so, and writes the same card."""
    return {name: _ordered(content[name]) for name in sorted(content)} if isinstance(content, Mapping) else content


def _for_methods_inside(trainer: Method, name: str, data: Dataset, task: Task) -> dict[str, Any]:
    """Return the parts of a job that methods with methods inside need; what is held out only where it is asked for."""
    if not getattr(trainer, "reads_more", False):
        return {"task_name": name}
    return {"task_name": name, "held_out": _held_out(data, task)}


def _held_out(data: Dataset, task: Task) -> NDArray[np.uint64]:
    """Return the hashes of the inputs in all splits but the one that is trained on."""
    trained = "train" if "train" in data.splits else data.splits[0]
    frames = [data.frame(split, list(task.inputs)) for split in data.splits if split != trained]
    return np.concatenate([np.zeros(0, np.uint64), *(row_hashes(frame, list(task.inputs)) for frame in frames)])


def _manifest(
    runtime: str,
    recorded: dict[str, Any],
    job: Job,
    outcome: Outcome,
    data: Dataset,
    ancestors: list[dict[str, Any]],
) -> Manifest:
    return Manifest(
        runtime=runtime,
        task=recorded["task"],
        task_options=job.task.options,
        columns={role: [name] for role, name in data.manifest.roles.items()},
        max_tokens=outcome.max_tokens,
        recipe=_ordered({"verb": "finetune", "options": recorded, "resolved": dict(outcome.resolved)}),
        lineage=ancestors,
        data={"fingerprint": data.fingerprint, "rows": len(job.train), "path": recorded["data"]},
        oreline=version("oreline"),
    )


def training_frame(data: Dataset, task: Any, known: Sequence[str] = ()) -> pl.DataFrame:
    """Return the training rows: `row_id`, the task's inputs and its target.

    With classes that are `known` without rows there may be no target, and no row. Raises `DataError` when a column is
    missing or no row has a target.
    """
    has_target = task.target in data.manifest.columns or not known
    wanted = [*task.inputs, *([task.target] if has_target else [])]
    for role in wanted:
        if role not in data.manifest.columns:
            raise DataError(
                f"the data has no column with the role {role!r}",
                where=str(data.path),
                allowed=did_you_mean(role, data.manifest.columns),
                remedy=f"refine it again and name the column: oreline refine SOURCE --{role} COLUMN",
            )
    if not has_target:
        return pl.DataFrame(schema=dict.fromkeys(["row_id", *task.inputs, task.target], pl.String))
    split = "train" if "train" in data.splits else data.splits[0]
    frame = data.frame(split, ["row_id", *wanted]).filter(pl.col(task.target).is_not_null())
    if frame.is_empty() and not known:
        raise DataError("there are no labelled rows to train on", where=f"{data.path}, split {split!r}")
    return frame


def open_task_for(task: str, frame: pl.DataFrame, start: Path | None, known: Sequence[str] = ()) -> Task:
    """Build the task for these rows; a start artifact of the same task that knows all labels keeps its own order.

    `known` are the classes where the method names them. Raises `DataError` for a row of another.
    """
    targets = frame[registry.get("task", task).target].to_list()
    if known:
        named: Task = registry.create("task", task, labels=list(known))
        named.encode_target(targets)
        return named
    options = registry.get("task", task).options_from(targets)
    if start is not None and (start / store.MANIFEST).is_file():
        manifest = store.read_manifest(start)
        if manifest.task == task:
            parent: Task = registry.create("task", task, **manifest.task_options)
            if all(parent.knows(target) for target in targets):
                options = manifest.task_options
    opened: Task = registry.create("task", task, **options)
    return opened


def _identity(
    data: Dataset, frame: pl.DataFrame, task: Task, options: Mapping[str, Any], start: Path | None
) -> dict[str, Any]:
    """Return what makes this job this job: a checkpoint fits no other."""
    started = lineage(start)
    return {
        "data": data.fingerprint,
        "rows": int(row_hashes(frame, [*task.inputs, task.target]).sum()),
        "task": task.options,
        "start": started[0]["id"] or started[0]["path"] if started else "",
        "options": options,
    }


def _rows(frame: pl.DataFrame, task: Task) -> Rows:
    columns = {role: frame[role].to_list() for role in task.inputs}
    with _naming_rows(frame):
        return Rows(columns, task.encode_target(frame[task.target].to_list()))


def dev_rows(data: Dataset, task: Task, trained: NDArray[np.uint64] | None = None) -> Rows | None:
    """Return the dev rows whose target the task knows, without those with a hash in `trained`; None of none."""
    if not data.manifest.splits.get("dev") or task.target not in data.manifest.columns:
        return None
    frame = data.frame("dev", [*task.inputs, task.target]).filter(pl.col(task.target).is_not_null())
    # A class that is too rare for train may stand in dev alone: it cannot be scored, and evaluate will name it.
    frame = frame.filter([task.knows(target) for target in frame[task.target].to_list()])
    if trained is not None:
        frame = frame.filter(~np.isin(row_hashes(frame, list(task.inputs)), trained))
    return _rows(frame, task) if frame.height else None
