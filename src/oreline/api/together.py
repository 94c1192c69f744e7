"""The verb `multitask`: several tasks in one model, with what each of them gains or loses by it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline import registry
from oreline.api import choose, names
from oreline.api.build import DEFAULT_START, DEFAULT_TASK
from oreline.api.extras import names_missing_extras
from oreline.api.provenance import naming_source
from oreline.errors import UsageError, did_you_mean
from oreline.recipe import TrainOptions
from oreline.report.report import Report, Table
from oreline.runtime.open import open_runtime
from oreline.store import Artifact
from oreline.types import Estimate, Event, OnEvent, ignore

if TYPE_CHECKING:
    from oreline.train.multitask import TaskRows

ALONE = "alone"
"""Folder of the models that learnt one task each, beside those that share an encoder."""
KEYS = ("data", "task", "text", "label", "group", "time", "roles")
"""What is said of one task."""
_NAME = re.compile(r"[A-Za-z0-9][\w-]*")


@names_missing_extras
def multitask(
    tasks: dict[str, dict[str, Any]],
    *,
    start: Any = DEFAULT_START,
    temperature: float = 1.0,
    pooling: str | None = None,
    alone: bool = True,
    split: str = "test",
    train: TrainOptions | dict[str, Any] | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Report:
    """Train one encoder for several tasks, and compare each with a model that learnt it alone.

    What is written is a model folder for each task, `OUT/NAME`, with the same encoder in all of them: every other verb
    takes it as it takes any model.

    Args:
        tasks: by name: `{"intent": {"data": …, "task": "text_classification"}, …}`, with the columns as `finetune`
            takes them (`text`, `label`, `group`, `time`, `roles`).
        start: the encoder to start from: `catalog:NAME`, a folder, a hub id, an artifact.
        temperature: a task has a share of the steps in proportion to (its rows)^(1/temperature): 1 is by size, larger
            is more even.
        pooling: how a text is read from the encoder's states: `mean` or `max`; the start model's own way when not set.
        alone: train each task alone too, for as many steps as it had, and report gain or harm.
        split: the rows that judge them.
        train: training options; an epoch is as many steps as the rows of all tasks make.
        out: the folder of the models and of the report; a new one in `./oreline-runs` when not given.

    Raises:
        UsageError: fewer than two tasks, an unknown key, plug or option, or `out` exists.
        DataError: rows that a task cannot be trained on.
    """
    from oreline.evaluate.estimates import point_values, task_estimates
    from oreline.train.multitask import Together, naming_task
    from oreline.train.multitask import multitask as train_together

    check(tasks)
    if names.network_name(start):
        raise UsageError(
            f"multitask needs a pretrained start model, not {start}",
            remedy=f"--start {DEFAULT_START}, or pretrain the network first: oreline pretrain TEXTS --start {start}",
        )
    together, options = Together(temperature=temperature, pooling=pooling), names.train_options(train)
    place = names.output_folder("multitask", out, tasks, start, force=force)
    folder = names.start_folder(start)
    if folder is None:
        raise UsageError("multitask needs a start model", remedy=f"--start {DEFAULT_START}")
    for given in tasks.values():
        choose.refuse_unfit_start(start, registry.get("task", str(given.get("task", DEFAULT_TASK))).head)
    rows = {name: task_rows(name, given, seed, on_event) for name, given in tasks.items()}
    for name, one in rows.items():
        with naming_task(name):
            names.chosen_split(one.data, split)
    shared: dict[str, Any] = {"options": options, "seed": seed, "score": point_values, "estimate": task_estimates}
    shared |= {"origin": names.start_origin(start), "on_event": on_event}
    made = train_together(folder, rows, together=together, out=place, force=force, **shared)
    models = {name: made[name] for name in tasks}
    singles = _alone(models, rows, folder, place, shared) if alone else {}
    report = compared(models, singles, rows, split, seed)
    report.save(place)
    return report


def check(tasks: Mapping[str, Any]) -> None:
    """Raise `UsageError` for fewer than two tasks, for a name that is no folder's, an unknown key or plug."""
    if not isinstance(tasks, Mapping) or len(tasks) < 2:
        raise UsageError(
            "multitask needs two tasks or more",
            allowed="{intent: {data: a.csv, task: text_classification}, mood: {data: b.csv}}",
            remedy="for one task: oreline finetune",
        )
    for name, given in tasks.items():
        if not _NAME.fullmatch(str(name)) or name == ALONE:
            raise UsageError(f"a task is called {name!r}", allowed=f"letters, digits, _ and -; not {ALONE!r}")
        if not isinstance(given, Mapping) or "data" not in given:
            raise UsageError(
                f"the task {name!r} names no data", remedy=f"{name}: {{data: FILE, task: text_classification}}"
            )
        if unknown := next((key for key in given if key not in KEYS), None):
            raise UsageError(
                f"the task {name!r} has an unknown key {unknown!r}", allowed=did_you_mean(str(unknown), KEYS)
            )
        names.known_plug("task", str(given.get("task", DEFAULT_TASK)))


def task_rows(name: str, given: Mapping[str, Any], seed: int, on_event: OnEvent) -> TaskRows:
    """Return a task with its dataset, which is refined first where it is raw."""
    from oreline.train.multitask import TaskRows

    columns = {role: given.get(role) for role in ("text", "label", "group", "time")}
    on_event(Event("refine", message=f"task {name}"))
    data = names.dataset(
        given["data"], roles=names.roles_of(given.get("roles"), **columns), seed=seed, on_event=on_event
    )
    task = str(given.get("task", DEFAULT_TASK)).replace("-", "_")
    with naming_source(given["data"], data, task):
        return TaskRows(data, task)


def _alone(
    models: Mapping[str, Artifact], rows: Mapping[str, TaskRows], start: Path, place: Path, shared: Mapping[str, Any]
) -> dict[str, Artifact]:
    """Train each task alone, in as many steps as it had among the others."""
    from oreline.train.finetune import finetune

    made = {}
    for name, model in models.items():
        shared["on_event"](Event("train", message=f"{name} alone"))
        measured, options = model.measurements(), shared["options"]
        per_epoch = -(-int(measured["rows"]) // options.rows_per_step)
        steps = {"epochs": max(int(measured["own_steps"]), 1) / per_epoch, "minutes": None}
        given = {**shared, "options": options.model_copy(update=steps)}
        made[name] = finetune(
            start, rows[name].data, task=rows[name].task, method="full", out=place / ALONE / name,
            method_options=model.manifest.recipe["options"]["method_options"], force=True, **given,
        )  # fmt: skip
    return made


def compared(
    models: Mapping[str, Artifact],
    singles: Mapping[str, Artifact],
    rows: Mapping[str, TaskRows],
    split: str,
    seed: int,
) -> Report:
    """Return what each task reaches together and alone, on the rows of a split that neither was trained on."""
    from oreline.evaluate.compare import paired_difference
    from oreline.evaluate.estimates import estimates
    from oreline.evaluate.table import predict_table

    metrics: dict[str, Estimate] = {}
    told: list[tuple[Any, ...]] = []
    lines: list[tuple[Any, ...]] = []
    for name, model in models.items():
        data, chosen = rows[name].data, names.chosen_split(rows[name].data, split)
        runtime, measured = open_runtime(model), model.measurements()
        metric = runtime.task.metrics[0]
        after = predict_table(runtime, data, chosen)
        metrics[f"{name} {metric}"] = estimates(after, [metric])[metric]
        told.append((name, rows[name].task, measured["rows"], measured["own_steps"]))
        if name in singles:
            before = predict_table(open_runtime(singles[name]), data, chosen)
            metrics[f"{name} {metric} alone"] = estimates(before, [metric])[metric]
            difference = paired_difference(before, after, metric=metric, seed=seed)
            said = verdict(difference, higher_is_better=registry.get("metric", metric).higher_is_better)
            figures = metrics[f"{name} {metric}"], metrics[f"{name} {metric} alone"]
            lines.append((name, said, metric, difference, *figures))
    first = next(iter(models.values()))
    options = first.manifest.recipe["options"]
    judged = Table(
        "Gain or harm", ("task", "so", "figure", "together minus alone", "together", "alone"), lines, note=_NOTE
    )
    return Report(
        verb="multitask",
        title=f"{len(models)} tasks in one model",
        subject={"split": split, "start": Path(str(options["start"])).name},
        metrics=metrics,
        facts={
            "models": {name: str(model.path) for name, model in models.items()},
            "temperature": options["temperature"],
            "steps": first.measurements()["steps"],
            "train_s": first.measurements()["train_s"],
        },
        tables=[
            *([judged] if lines else []),
            Table("Tasks", ("task", "predicts", "training rows", "steps of its own"), told),
        ],
    )


_NOTE = (
    "alone: the same start model, trained for one task in as many steps as it had together, on rows of its own alone"
)


def verdict(difference: Estimate, *, higher_is_better: bool) -> str:
    """Return what a paired difference says: its interval holds gains only, losses only, or both.

    >>> verdict(Estimate(0.02, 0.01, 0.03, 500), higher_is_better=True)
    'gain'
    """
    low, high = (difference.low, difference.high) if higher_is_better else (-difference.high, -difference.low)
    return "gain" if low > 0 else "harm" if high < 0 else "undecided"
