"""Fine-tune: from labelled rows and a start model to an artifact."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from oreline import registry, store
from oreline.data.fold import row_hashes
from oreline.errors import UsageError
from oreline.models.base import base_folder
from oreline.models.legible import doubts
from oreline.models.tokenizing import tokenizer
from oreline.recipe import TrainOptions
from oreline.store import Artifact, Manifest
from oreline.train.artifact import EstimateDev, dev_metrics, lineage, write_artifact
from oreline.train.describe import require_one_text_one_class
from oreline.train.job import VIEWS_OF_A_LAYER, Job, Method, Outcome, Rows, Score, named_method
from oreline.train.rows import (
    asked_in_training,
    dev_rows,
    encoded_rows,
    held_out,
    naming_rows,
    open_task_for,
    targets_of,
    training_frame,
    unlabelled_columns,
)
from oreline.train.scope import asked, fitted
from oreline.train.scratch import NewNetwork, begun, recorded_start
from oreline.train.tracking import logs_folder
from oreline.train.tuned import absent_sentence, refuse_absent, tuned
from oreline.train.weights import refuse_unweighed, weighted_sentence
from oreline.train.workspace import Workspace
from oreline.types import Event, OnEvent, Task, ignore

if TYPE_CHECKING:
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
    start, network, options = begun(start, options or TrainOptions(), method, task)
    method, method_options = named_method(method, method_options or {})
    trainer = _trainer(method, method_options, task, options)
    frame, opened = _rows_and_task(trainer, data, task, start, rows, options, task_options)
    opened = prepared(opened, start, options)
    opened = asked(opened, options, trainer, frame[opened.target].to_list(), targets_of(data, "dev", opened))
    recorded: dict[str, Any] = {"task": task, "method": method, "method_options": method_options, "seed": seed}
    recorded |= {"train": options.model_dump(), "data": str(data.path.absolute()), **recorded_start(start, network)}
    recorded |= {"task_options": dict(task_options)} if task_options else {}
    train = _teaching(encoded_rows(frame, opened), opened, trainer, method, task, own=rows is None)
    work = claimed(out, _identity(data, frame, opened, recorded, start), on_event)
    job = Job(
        task=opened,
        start=start,
        train=train,
        dev=dev_rows(data, opened, asked_in_training(frame, opened)),
        options=options,
        seed=seed,
        work=work,
        logs=logs_folder(out, work, options),
        score=score,
        resolved=resolved,
        on_event=on_event,
        origin=origin or {},
        task_name=task,
        **(_more(data, opened) if getattr(trainer, "reads_more", False) else {}),
    )
    if job.dev is None and len(job.train):
        job.say("warning: the data have no dev rows: nothing is measured, nothing chooses among the steps of training")
    job.say(weighted_sentence(train.weights_N, frame))
    job.say(_doubted(job))
    with work.kept_for_continuing(), naming_rows(frame):
        started = network.started(job, frame) if network else job
        job, outcome = fitted(*_trained(trainer, started), trainer.runtime, task)
    manifest = manifest_of(trainer.runtime, recorded, job, outcome, data, lineage(start, origin))
    manifest.metrics.update(dev_metrics(job, outcome, estimate))
    with store.writing(out, force=force) as folder:
        write_artifact(folder, manifest, outcome, job, data, frame)
    work.remove()
    return Artifact.open(out, verify=False)  # its sums have just been taken


def claimed(out: str | Path, identity: Mapping[str, Any], on_event: OnEvent) -> Workspace:
    """Return the work folder of a job beside `out`, with the checkpoint of an earlier try where it is the same job."""
    work = Workspace.beside(out)
    if differing := work.differing(identity):
        said = f"the checkpoint that an interrupted try left at {out} fits another job ({'; '.join(differing[:3])})"
        on_event(Event("train", message=f"{said}: it is removed, and training begins anew"))
    if work.claim(dict(identity)):
        on_event(Event("train", message="an earlier try at the same job left a checkpoint: continuing from it"))
    return work


def _trainer(method: str, given: Mapping[str, Any], task: str, options: TrainOptions) -> Method:
    """Build the method. Raises `UsageError` now, not after the loading, for what does not exist or go together."""
    refuse_unfit(registry.get("method", method), method, task, options)
    trainer: Method = registry.create("method", method, **given)
    return trainer


def refuse_unfit(trainer: Any, method: str, task: str, options: TrainOptions) -> None:
    """Raise `UsageError` for what can be told without a row and a start model.

    That is a method (its class, or one that is built; None: one that is yet to be chosen) that does not teach the task,
    and an optimizer or a regularizer that there is not. The defaults of these need no look, nor torch.
    """
    if trainer is not None:
        refuse_other_method(task, method)
        refuse_texts(trainer, method, task)
        if getattr(trainer, "one_text", False):
            require_one_text_one_class(registry.get("task", task), method)
    plain = TrainOptions()
    if (options.optimizer, options.optimizer_options) != (plain.optimizer, plain.optimizer_options):
        registry.create("optimizer", options.optimizer, **options.optimizer_options)
    if options.regularizers:
        from oreline.train.regularize import regularizers

        regularizers(options.regularizers)


def _teaching(rows: Rows, opened: Task, trainer: Method, method: str, task: str, *, own: bool) -> Rows:
    """Return rows, the data's `own` or an update's, which are what they are.

    Raises `UsageError` where they have weights that the method does not know, `DataError` for a label of no own row.
    """
    if own:
        refuse_absent(opened, rows)
    if rows.weights_N is not None:
        refuse_unweighed(trainer, method, task)
    return rows


def _doubted(job: Job) -> str:
    said = doubted(job)
    said += ": --method linear" if said and job.task.view in VIEWS_OF_A_LAYER else ""
    warned = "; ".join(filter(None, (absent_sentence(job.task, job.train), said)))
    return warned and f"warning: {warned}"


def doubted(job: Job) -> str:
    """Say that the start model hardly reads the training rows; empty where it does, or where none has a tokenizer."""
    if job.start is None or not len(job.train):
        return ""
    folder = base_folder(job.start)
    if not (folder / "tokenizer.json").is_file():  # a linear model has none
        return ""
    texts = [text for role in job.task.inputs for text in job.train.columns[role] if isinstance(text, str)]
    return doubts(tokenizer(folder), texts, "the start model", grams=job.task.view in VIEWS_OF_A_LAYER)


def prepared(task: Any, start: Path | None, options: TrainOptions) -> Task:
    """Return the task with what it takes from the start model (a chat's template, whether capitals are told apart)."""
    if start is None or not hasattr(task, "prepared"):
        opened: Task = task
        return opened
    if task.head == "causal":
        from oreline.models.load import require_causal

        require_causal(base_folder(start))  # before its template is looked for
    completed: Task = task.prepared(base_folder(start), tokenizer(base_folder(start)), options)
    return completed


def _rows_and_task(
    trainer: Method,
    data: Dataset,
    task: str,
    start: Path | None,
    rows: pl.DataFrame | None,
    options: TrainOptions,
    given: Mapping[str, Any] | None,
) -> tuple[pl.DataFrame, Task]:
    """Return the rows to train on, and the task as the method reads it."""
    known = tuple(getattr(trainer, "labels", ()))
    plug = registry.get("task", task)
    frame = training_frame(data, plug, known, weighted=options.row_weights) if rows is None else rows
    with naming_rows(frame):
        opened = open_task_for(task, frame, start, known, given, grows=options.reject is not None)
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
    return tuned(job, outcome)


def _ordered(content: Any) -> Any:
    """Return a mapping with its keys in order, inner ones too: a rerun reads them so, and writes the same card."""
    return {name: _ordered(content[name]) for name in sorted(content)} if isinstance(content, Mapping) else content


def refuse_texts(plug: Any, method: str, task: str) -> None:
    """Raise `UsageError` where the task answers with texts and the method's plug makes no model that does."""
    if registry.get("task", task).view != "texts" or getattr(plug, "writes", False):
        return
    able = [name for name in registry.names("method") if getattr(registry.get("method", name), "writes", False)]
    # What is no change of weights stands in an encoder alone: a model that writes would need it anew for each token.
    able += [name for name in registry.names("adapter") if registry.get("adapter", name).merges]
    raise UsageError(
        f"the method {method!r} chooses among known answers, and the task {task!r} writes texts",
        allowed=", ".join(able),
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
        data={"fingerprint": data.fingerprint, "rows": len(job.train), "path": recorded["data"], **_made_by(data)},
        oreline=version("oreline"),
    )


def _more(data: Dataset, task: Task) -> dict[str, Any]:
    """Return what a method is told that learns from other rows too: which these are, and which it may not look at."""
    return {"held_out": held_out(data, task), "unlabelled": unlabelled_columns(data, task)}


def _made_by(data: Dataset) -> dict[str, str]:
    """Return the verb that made a dataset, where it was another than refine (an update)."""
    verbs = [str(entry["verb"]) for entry in data.manifest.lineage if entry.get("verb", "refine") != "refine"]
    return {"verb": verbs[-1]} if verbs else {}


def refuse_other_method(task: str, method: str) -> None:
    """Raise `UsageError` for a task that is taught by one method alone, and that is another."""
    only = getattr(registry.get("task", task), "method", method)
    if method.replace("-", "_") != only:
        raise UsageError(
            f"the task {task!r} is not taught by the method {method!r}",
            allowed=only,
            remedy=f"--method {only}; options of the method are given with --set method_options.NAME=VALUE",
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
