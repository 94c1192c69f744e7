"""Fine-tune: from labelled rows and a start model to an artifact."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
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
from oreline.report.card import card
from oreline.report.report import Chart, Report
from oreline.report.report import Table as ReportTable
from oreline.runtime.open import open_runtime
from oreline.runtime.samples import write_samples
from oreline.store import EVENTS, TRAIN_ROWS, Artifact, Manifest
from oreline.train.checkpoint import Workspace
from oreline.train.job import Job, Outcome, Rows, Score
from oreline.types import Estimate, Event, OnEvent, Task, ignore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.data.dataset import Dataset

EstimateDev = Callable[[Task, "NDArray[Any]", Mapping[str, "NDArray[Any]"]], Mapping[str, Estimate]]


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
        method: name of a method plug; `method_options` are its keyword arguments.
        options: how to train.
        out: the artifact's folder.
        seed: of every random choice.
        force: replace `out` if it exists.
        score: figures on dev by name; the task's first metric decides.
        estimate: figures with intervals on dev, for the manifest and the model card.
        resolved: what an earlier run resolved on its machine; nothing of it is probed again.
        rows: training rows that replace the train split (an update trains on fresh rows and some of the old).
        on_event: is told progress.

    Raises:
        DataError: no label column, fewer than two classes, a label column that is no label.
        UsageError: `out` exists, an unknown task, method or option.
    """
    store.refuse_existing(out, force=force)
    options = options or TrainOptions()
    trainer = registry.create("method", method, **(method_options or {}))
    frame = training_frame(data, registry.get("task", task)) if rows is None else rows
    opened = open_task_for(task, frame, start)
    described = _describe(data, frame, opened, task, method, method_options, options, seed, start)
    work = Workspace.beside(out)
    if work.claim(described):
        on_event(Event("train", message="an earlier try at the same job left a checkpoint: continuing from it"))
    job = Job(
        task=opened,
        start=start,
        train=_rows(frame, opened),
        dev=_dev_rows(data, opened),
        options=options,
        seed=seed,
        work=work,
        logs=_logs(out, work, options),
        score=score,
        resolved=resolved,
        on_event=on_event,
    )
    started = time.perf_counter()
    outcome: Outcome = trainer.train(job)
    seconds = round(time.perf_counter() - started, 3)
    outcome = replace(outcome, measurements={"train_s": seconds, "rows": len(job.train), **outcome.measurements})
    manifest = Manifest(
        runtime=trainer.runtime,
        task=task,
        task_options=opened.options,
        columns={role: [name] for role, name in data.manifest.roles.items()},
        max_tokens=outcome.max_tokens,
        recipe={"verb": "finetune", "options": described["options"], "resolved": dict(outcome.resolved)},
        lineage=lineage(start),
        data={"fingerprint": data.fingerprint, "rows": frame.height, "path": str(data.path.absolute())},
        metrics=_metrics(job, outcome, estimate),
        oreline=version("oreline"),
    )
    with store.writing(out, force=force) as folder:
        _write(folder, manifest, outcome, job, data, frame)
    work.remove()
    return Artifact.open(out)


def training_frame(data: Dataset, task: Any) -> pl.DataFrame:
    """Return the training rows: `row_id`, the task's inputs and its target.

    Raises `DataError` when a column is missing or no row has a target.
    """
    wanted = [*task.inputs, task.target]
    for role in wanted:
        if role not in data.manifest.columns:
            raise DataError(
                f"the data has no column with the role {role!r}",
                where=str(data.path),
                allowed=did_you_mean(role, data.manifest.columns),
                remedy=f"refine it again and name the column: oreline refine SOURCE --{role} COLUMN",
            )
    split = "train" if "train" in data.splits else data.splits[0]
    frame = data.frame(split, ["row_id", *wanted]).filter(pl.col(task.target).is_not_null())
    if frame.is_empty():
        raise DataError("there are no labelled rows to train on", where=f"{data.path}, split {split!r}")
    return frame


def open_task_for(task: str, frame: pl.DataFrame, start: Path | None) -> Task:
    """Build the task for these rows; a start artifact of the same task that knows all labels keeps its own order."""
    targets = frame[registry.get("task", task).target].to_list()
    options = registry.get("task", task).options_from(targets)
    if start is not None and (start / store.MANIFEST).is_file():
        manifest = store.read_manifest(start)
        known = set(manifest.task_options.get("labels", ()))
        if manifest.task == task and {str(target) for target in targets} <= known:
            options = manifest.task_options
    opened: Task = registry.create("task", task, **options)
    return opened


def lineage(start: Path | None) -> list[dict[str, Any]]:
    """Return the ancestors of what is trained from a start folder, nearest first."""
    if start is None:
        return []
    if not (start / store.MANIFEST).is_file():
        return [{"verb": "start", "id": "", "path": str(start.absolute())}]
    parent = store.read_manifest(start)
    entry = {"verb": str(parent.recipe.get("verb", "")), "id": parent.id, "path": str(start.absolute())}
    return [entry, *parent.lineage]


def _describe(
    data: Dataset,
    frame: pl.DataFrame,
    task: Task,
    name: str,
    method: str,
    method_options: Mapping[str, Any] | None,
    options: TrainOptions,
    seed: int,
    start: Path | None,
) -> dict[str, Any]:
    """Return what makes this job this job: a checkpoint fits no other."""
    started = lineage(start)
    return {
        "data": data.fingerprint,
        "rows": int(row_hashes(frame, [*task.inputs, task.target]).astype(np.uint64).sum()),
        "task": task.options,
        "start": started[0]["id"] or started[0]["path"] if started else "",
        "options": {
            "task": name,
            "method": method,
            "method_options": dict(method_options or {}),
            "train": options.model_dump(),
            "seed": seed,
            "start": str(start.absolute()) if start else None,
            "data": str(data.path.absolute()),
        },
    }


def _rows(frame: pl.DataFrame, task: Task) -> Rows:
    columns = {role: frame[role].to_list() for role in task.inputs}
    return Rows(columns, task.encode_target(frame[task.target].to_list()))


def _dev_rows(data: Dataset, task: Task) -> Rows | None:
    if not data.manifest.splits.get("dev"):
        return None
    frame = data.frame("dev", [*task.inputs, task.target]).filter(pl.col(task.target).is_not_null())
    # A class that is too rare for train may stand in dev alone: it cannot be scored, and evaluate will name it.
    frame = frame.filter(pl.col(task.target).cast(pl.String).is_in(list(task.labels)))
    return _rows(frame, task) if frame.height else None


def _logs(out: str | Path, work: Workspace, options: TrainOptions) -> Path:
    """Trackers' own files lie beside the artifact, which is immutable; without any, events wait in the workspace."""
    destination = Path(out).absolute()
    return destination.with_name(f"{destination.name}.logs") if options.track else work.folder / "logs"


def _metrics(job: Job, outcome: Outcome, estimate: EstimateDev | None) -> dict[str, Any]:
    if estimate is None or outcome.dev_outputs is None or job.dev is None:
        return {}
    found = estimate(job.task, job.dev.targets_N, outcome.dev_outputs)
    return {name: value.to_json() for name, value in found.items()}


def _write(folder: Path, manifest: Manifest, outcome: Outcome, job: Job, data: Dataset, frame: pl.DataFrame) -> None:
    outcome.save(folder)
    write_train_rows(folder, frame, job.task.inputs, job.start)
    report = _report(manifest, outcome, data)
    if (job.logs / EVENTS).is_file():
        shutil.copyfile(job.logs / EVENTS, folder / EVENTS)
    sealed = store.seal(folder, manifest)
    runtime = open_runtime(Artifact(folder, sealed))
    manifest = manifest.model_copy(update={"golden": write_samples(folder, runtime, data, seed=job.seed)})
    (folder / "README.md").write_text(card(manifest.model_dump(), facts={}), encoding="utf-8")
    report.save(folder)
    sealed = store.seal(folder, manifest)
    size_bytes = Artifact(folder, sealed).size_bytes()
    store.write_json(folder / store.MEASUREMENTS, {**outcome.measurements, "size_bytes": size_bytes})


def write_train_rows(folder: Path, frame: pl.DataFrame, inputs: Sequence[str], start: Path | None) -> None:
    """Write the hashes of the rows that this model, or one it descends from, was trained on."""
    hashes = row_hashes(frame, list(inputs))
    if start is not None and (start / TRAIN_ROWS).is_file():
        hashes = np.concatenate([hashes, np.fromfile(start / TRAIN_ROWS, dtype="<u8")])
    np.unique(hashes).astype("<u8").tofile(folder / TRAIN_ROWS)


def _report(manifest: Manifest, outcome: Outcome, data: Dataset) -> Report:
    curves = {
        "training loss": ("loss", _smoothed),
        "dev loss": ("dev_log_loss", list),
        "dev accuracy": ("dev_accuracy", list),
    }
    x, y = {}, {}
    for title, (key, treat) in curves.items():
        points = [(point["step"], point[key]) for point in outcome.history if key in point]
        if points:
            x[title], y[title] = [step for step, _ in points], treat([value for _, value in points])
    charts = [
        Chart("Learning curve", "lines", {"x": x, "y": y, "x_label": "step", "y_label": "loss, accuracy"})
    ] if x else []  # fmt: skip
    options = manifest.recipe["options"]
    settings = {**options["train"], **options["method_options"], **dict(manifest.recipe["resolved"])}
    rows = [(name, str(value)) for name, value in settings.items() if value not in (None, [], {})]
    return Report(
        verb="finetune",
        title=f"Fine-tuning: {manifest.task}, method {options['method']}",
        subject={"data": data.fingerprint[:12], "split of the figures": "dev"},
        metrics={name: Estimate(**value) for name, value in manifest.metrics.items()},
        facts=dict(outcome.measurements),
        tables=[ReportTable("Settings, as resolved on this machine", ("setting", "value"), rows)],
        charts=charts,
    )


def _smoothed(values: Sequence[float], width: int = 20) -> list[float]:
    """Average over a moving window: single steps are too noisy to see a trend in."""
    sums = np.cumsum([0.0, *values])
    places = np.arange(1, len(values) + 1)
    starts = np.maximum(places - width, 0)
    return [round(float(mean), 5) for mean in (sums[places] - sums[starts]) / (places - starts)]
