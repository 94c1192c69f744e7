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
from oreline.data.targets import labelled_frame
from oreline.errors import DataError, UsageError, did_you_mean
from oreline.metrics.tags import OUTSIDE
from oreline.models.base import base_folder
from oreline.models.load import require_causal, tokenizer
from oreline.recipe import TrainOptions
from oreline.store import Artifact, Manifest
from oreline.tasks.reading import reading, refuse_unreadable
from oreline.train.artifact import EstimateDev, dev_metrics, lineage, write_artifact
from oreline.train.checkpoint import Workspace
from oreline.train.job import Job, Method, Outcome, Rows, Score, named_method
from oreline.train.regularize import regularizers
from oreline.train.scope import asked, fitted
from oreline.train.scratch import NewNetwork
from oreline.train.tracking import logs_folder
from oreline.types import Event, OnEvent, Task, ignore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.data.dataset import Dataset


def finetune(
    start: Path | NewNetwork | None,
    data: Dataset,
    *,
    task: str,
    task_options: Mapping[str, Any] | None = None,
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
        start: folder of the start model, or of an artifact to train on; a network to begin from nothing with; None for
            methods that need none.
        data: a dataset; its split `train` (or its only split) is trained on, `dev` chooses among what was trained.
        task: name of a task plug; `task_options` stand above what the rows say of its options.
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
    start, network, options = _begin(start, method, options or TrainOptions())
    method, method_options = named_method(method, method_options or {})
    refuse_other_method(task, method)
    trainer = registry.create("method", method, **method_options)
    _refuse_wrong(options)
    refuse_texts(trainer, method, task)
    frame, opened = _rows_and_task(trainer, data, task, start, rows, dict(task_options or {}))
    opened = _prepared(opened, start, options)
    opened = asked(opened, options, trainer, frame[opened.target].to_list(), _targets(data, "dev", opened))
    recorded = {
        "task": task,
        **({"task_options": dict(task_options)} if task_options else {}),
        "method": method,
        "method_options": method_options,
        "train": options.model_dump(),
        "seed": seed,
        "start": str(start.absolute()) if start else None,
        "data": str(data.path.absolute()),
        **(network.recorded() if network is not None else {}),
    }
    work = Workspace.beside(out)
    if work.claim(_identity(data, frame, opened, recorded, start)):
        on_event(Event("train", message="an earlier try at the same job left a checkpoint: continuing from it"))
    job = Job(
        task=opened,
        start=start,
        train=encoded_rows(frame, opened),
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
    with work.kept_for_continuing(), naming_rows(frame):
        begun = job if network is None else network.started(job, frame)
        job, outcome = fitted(*_trained(trainer, begun), trainer.runtime, task)
    manifest = manifest_of(trainer.runtime, recorded, job, outcome, data, lineage(start, origin))
    manifest.metrics.update(dev_metrics(job, outcome, estimate))
    with store.writing(out, force=force) as folder:
        write_artifact(folder, manifest, outcome, job, data, frame)
    work.remove()
    return Artifact.open(out)


def _refuse_wrong(options: TrainOptions) -> None:
    """Raise `UsageError` for plugs and options that do not exist now, not after the loading."""
    registry.create("optimizer", options.optimizer, **options.optimizer_options)
    regularizers(options.regularizers)


def _begin(
    start: Path | NewNetwork | None, method: str, options: TrainOptions
) -> tuple[Path | None, NewNetwork | None, TrainOptions]:
    """Tell a start model from a network to begin from nothing with, and fill in the options that this one needs."""
    if isinstance(start, NewNetwork):
        return None, start, start.options_for(options, method)
    return start, None, options


@contextlib.contextmanager
def naming_rows(frame: pl.DataFrame) -> Iterator[None]:
    """Give an error about one of the rows that are trained on the row's own name."""
    try:
        yield
    except DataError as error:
        if error.row is not None and not error.where:
            error.where = str(frame["row_id"][error.row])
        raise


def _prepared(task: Any, start: Path | None, options: TrainOptions) -> Task:
    """Return the task with what it takes from the start model (a chat's template, where a text ends)."""
    if start is None or not hasattr(task, "prepared"):
        opened: Task = task
        return opened
    if task.head == "causal":
        require_causal(base_folder(start))  # before its template is looked for
    prepared: Task = task.prepared(base_folder(start), tokenizer(base_folder(start)), options)
    return prepared


def _rows_and_task(
    trainer: Method,
    data: Dataset,
    task: str,
    start: Path | None,
    rows: pl.DataFrame | None,
    given: Mapping[str, Any],
) -> tuple[pl.DataFrame, Task]:
    """Return the rows to train on, and the task as the method reads it."""
    known = tuple(getattr(trainer, "labels", ()))
    frame = training_frame(data, registry.get("task", task), known) if rows is None else rows
    with naming_rows(frame):
        opened = open_task_for(task, frame, start, known, given)
    if hasattr(trainer, "adapted"):
        opened = trainer.adapted(opened)
    if not getattr(trainer, "trains", True):
        frame = frame.clear()  # what is not trained on is left to evaluate with
    return frame, opened


def _trained(trainer: Method, job: Job) -> tuple[Job, Outcome]:
    """Train; return the job with its task as tuned on dev, and the outcome with the time it took."""
    started = time.perf_counter()
    outcome = trainer.train(job)
    job = replace(job, task=outcome.task or job.task)
    seconds = round(time.perf_counter() - started, 3)
    outcome = replace(outcome, measurements={"train_s": seconds, "rows": len(job.train), **outcome.measurements})
    if job.dev is not None and outcome.dev_outputs is not None:
        task = reading(job.task, job.dev.columns)
        job = replace(job, task=task.tuned(job.dev.targets, outcome.dev_outputs["scores"]))
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


def refuse_texts(trainer: Method, method: str, task: str) -> None:
    """Raise `UsageError` where the task answers with texts and the method makes no model that does."""
    if registry.get("task", task).view != "texts" or getattr(trainer, "writes", False):
        return
    able = [name for name in registry.names("method") if getattr(registry.get("method", name), "writes", False)]
    raise UsageError(
        f"the method {method!r} chooses among known answers, and the task {task!r} writes texts",
        allowed=", ".join([*able, *registry.names("adapter")]),
        remedy="--method full, or --method lora",
    )


def manifest_of(
    runtime: str,
    recorded: dict[str, Any],
    job: Job,
    outcome: Outcome,
    data: Dataset,
    ancestors: list[dict[str, Any]],
) -> Manifest:
    """Return what the artifact of a job says of it; `recorded` are the options that made it."""
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


def refuse_other_method(task: str, method: str) -> None:
    """Raise `UsageError` for a task that is taught by one method alone, and that is another."""
    only = getattr(registry.get("task", task), "method", method)
    if method.replace("-", "_") != only:
        raise UsageError(
            f"the task {task!r} is not taught by the method {method!r}",
            allowed=only,
            remedy=f"--method {only}; options of the method are given with --set method_options.NAME=VALUE",
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
                remedy="refine it again and name the column: oreline refine SOURCE "
                + (f"--{role} COLUMN" if role in ("text", "label") else f"--role {role}=COLUMN"),
            )
    if not has_target:
        return pl.DataFrame(schema=dict.fromkeys(["row_id", *task.inputs, task.target], pl.String))
    split = "train" if "train" in data.splits else data.splits[0]
    frame = labelled_frame(data, split, task, ["row_id", *wanted]).filter(pl.col(task.target).is_not_null())
    if frame.is_empty() and not known:
        raise DataError("there are no labelled rows to train on", where=f"{data.path}, split {split!r}")
    return frame


def open_task_for(
    task: str,
    frame: pl.DataFrame,
    start: Path | None,
    known: Sequence[str] = (),
    given: Mapping[str, Any] | None = None,
) -> Task:
    """Build the task for these rows; a start artifact of the same task that knows all labels keeps its own order.

    `known` are the classes where the method names them. Raises `DataError` for a row of another, and where some labels
    are the start artifact's and others are not: a head of other labels begins anew, and what it knew would be lost.
    """
    targets = frame[registry.get("task", task).target].to_list()
    if known:
        named: Task = registry.create("task", task, labels=list(known), **(given or {}))
        named.encode_target(targets)
        return named
    options = registry.get("task", task).options_from(targets)
    if start is not None and (start / store.MANIFEST).is_file():
        manifest = store.read_manifest(start)
        if manifest.task == task:
            parent: Task = registry.create("task", task, **manifest.task_options)
            if all(parent.knows(target) for target in targets):
                options = manifest.task_options
            else:
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
        f"the start model knows {len(shared)} of the labels, and not {unknown[0]!r}",
        allowed=did_you_mean(unknown[0], parent.labels),
        remedy="correct the label, or begin a new head on the start model's own start (its model card names it)",
        row=row,
    )


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


def encoded_rows(frame: pl.DataFrame, task: Task) -> Rows:
    """Return rows with their targets as the task encodes them. Raises `DataError` naming a row that it refuses."""
    columns = {role: frame[role].to_list() for role in task.inputs}
    with naming_rows(frame):
        refuse_unreadable(task, columns)
        return Rows(columns, reading(task, columns).encode_target(frame[task.target].to_list()))


def _targets(data: Dataset, split: str, task: Task) -> list[Any]:
    """Return a split's targets; none where there is no such split or column."""
    if not data.manifest.splits.get(split) or task.target not in data.manifest.columns:
        return []
    return data.frame(split, [task.target])[task.target].to_list()


def dev_rows(data: Dataset, task: Task, trained: NDArray[np.uint64] | None = None) -> Rows | None:
    """Return the dev rows whose target the task knows, without those with a hash in `trained`; None of none."""
    if not data.manifest.splits.get("dev") or task.target not in data.manifest.columns:
        return None
    frame = labelled_frame(data, "dev", task, [*task.inputs, task.target]).filter(pl.col(task.target).is_not_null())
    # A class that is too rare for train may stand in dev alone: it cannot be scored, and evaluate will name it.
    frame = frame.filter([task.knows(target) for target in frame[task.target].to_list()])
    if trained is not None:
        frame = frame.filter(~np.isin(row_hashes(frame, list(task.inputs)), trained))
    return encoded_rows(frame, task) if frame.height else None
