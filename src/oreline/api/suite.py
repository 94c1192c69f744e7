"""A benchmark of several tasks with one start model: each task is a recipe, all of them end in one table.

    # FOLDER/suite.yaml
    name: reviews and intents
    train: {epochs: 1}                      # what all tasks share; a task's own options go before
    tasks:
      - quotes: {data: quotes.csv, text: text, label: label}
      - intents: {data: {train: train.jsonl, test: test.jsonl}, method: lora, train: {epochs: 3}}

A task takes the options of `refine` and of `finetune`, and `judge`: the split it is measured on (`test`); `score`: the
figure that counts, or several whose mean counts (the task's first one when not given); `metrics`: what to measure for
it beside the task's own. Paths begin at the suite's folder. `method: none` trains nothing: the model is judged as is.

A task whose files are not in the folder is missing: it is listed, the others go on (decision 048).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oreline import recipe as recipes
from oreline.api import names, suite_report
from oreline.api import run as running
from oreline.api.extras import names_missing_extras
from oreline.errors import OrelineError, ResourceError, UsageError, did_you_mean
from oreline.recipe import Recipe, TrainOptions
from oreline.report.report import Report
from oreline.types import Event, OnEvent, ignore

FILE = "suite.yaml"
NO_TRAINING = "none"
_REFINE = (
    "text", "label", "group", "time", "roles", "operators", "split", "against", "keep_unlabelled", "together", "gap",
)  # fmt: skip
_FINETUNE = ("task", "method", "method_options", "train")
_JUDGED = ("judge", "score", "metrics")
_TASK_KEYS = ("data", *_JUDGED, *_REFINE, *_FINETUNE)
_SHARED = ("operators", *_FINETUNE, *_JUDGED)
"""Keys that all tasks may share."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite as it is run: a recipe for each task."""

    name: str
    out: Path
    tasks: dict[str, Recipe]
    scores: dict[str, tuple[str, ...]]
    """The figures whose mean is a task's score, where the suite names them."""
    missing: dict[str, str]
    """The file that a task lacks, for each that cannot be run."""
    names: tuple[str, ...]
    """All tasks, in the suite's order."""


@names_missing_extras
def evaluate_suite(
    start: Any,
    suite: str | Path | Mapping[str, Any],
    *,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    seed: int | None = None,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Report:
    """Fine-tune one start model on every task of a suite, evaluate it, and put the figures into one table.

    A task that is done is not done again: the same call continues a suite that was interrupted. A task that fails is
    listed with its reason, and the others go on; so is one whose files are not there.

    Args:
        start: the model that every task starts from: `catalog:NAME`, a folder, a hub id, an artifact.
        suite: a folder with `suite.yaml`, such a file, or its content as a mapping.
        overrides: `key=value` assignments for all tasks, such as `train.epochs=1`.
        out: the folder with a folder for each task and the report; `suite-NAME` in `./oreline-runs` when not given.
        seed: of every task; the suite's own, or 0, when not given.
        force: do tasks again whose options or data have changed since.

    Raises:
        UsageError: the suite is wrong: an unknown key, plug or figure, no task, or none that has its files.
    """
    planned = read_suite(start, suite, overrides=overrides, out=out, seed=seed)
    failed: dict[str, str] = {}
    for number, (name, recipe) in enumerate(planned.tasks.items(), start=1):
        on_event(Event("suite", number, len(planned.tasks), message=f"task {number} of {len(planned.tasks)}: {name}"))
        try:
            running.run(running.complete(recipe), force=force, on_event=on_event)
            suite_report.figures_of(recipe, planned.scores.get(name, ()), name)  # what is asked for wrongly ends here
        except (ResourceError, UsageError) as error:
            error.where = error.where or f"task {name!r}"
            raise  # a full disk stops every task, and what was asked for wrongly is not a figure
        except OrelineError as error:
            failed[name] = error.what
            on_event(Event("suite", message=f"{name} failed: {error.what}"))
    report = suite_report.report_of(planned, names.model_name(start), failed)
    report.save(planned.out)
    on_event(Event("suite", message=f"report: {planned.out / 'report.html'}"))
    return report


def plan_suite(
    start: Any,
    suite: str | Path | Mapping[str, Any],
    *,
    overrides: Sequence[str] = (),
    out: Any = None,
    seed: Any = None,
) -> Report:
    """Check a suite and say what it would take; nothing is written."""
    from oreline.report.report import Table

    planned = read_suite(start, suite, overrides=overrides, out=out, seed=seed)
    plans = {name: running.plan_run(running.complete(recipe)) for name, recipe in planned.tasks.items()}
    tables = [Table(name, report.tables[0].columns, report.tables[0].rows) for name, report in plans.items()]
    if planned.missing:
        tables.append(Table("Missing", ("task", "file"), list(planned.missing.items())))
    facts = {**next(iter(plans.values())).facts, "out": str(planned.out), "tasks": len(plans)}
    title = f"{planned.name}: {len(plans)} tasks; nothing was done or written"
    return Report(verb="plan", title=title, facts=facts, tables=tables)


def read_suite(
    start: Any,
    suite: str | Path | Mapping[str, Any],
    *,
    overrides: Sequence[str] = (),
    out: Any = None,
    seed: Any = None,
) -> Suite:
    """Read a suite and build the recipe of every task. Raises `UsageError` for anything that can be seen beforehand."""
    content, folder, where = _load(suite)
    _refuse_unknown(content, ("name", "seed", "tasks", *_SHARED), where)
    entries = content.get("tasks")
    if not isinstance(entries, list) or not entries:
        raise UsageError(
            "a suite needs a list of tasks", where=where, remedy="tasks: [{reviews: {data: reviews.csv}}, …]"
        )
    name = str(content.get("name") or (folder.name if folder else "suite"))
    place = Path(out) if out is not None else names.runs_folder() / f"suite-{folder_name(name)}"
    shared = {key: content[key] for key in _SHARED if key in content}
    tasks: dict[str, Recipe] = {}
    scores: dict[str, tuple[str, ...]] = {}
    missing: dict[str, str] = {}
    for number, entry in enumerate(entries, start=1):
        task_name, options = _split(entry, f"{where}, task {number}")
        if folder_name(task_name) in map(folder_name, [*tasks, *missing]):
            raise UsageError(f"two tasks are called {task_name!r}", where=where)
        merged = _with_overrides(_merge(shared, options), overrides)
        _refuse_unknown(merged, _TASK_KEYS, f"{where}, task {task_name!r}")
        if merged.get("score"):
            scores[task_name] = tuple(_listed(merged["score"]))
        if lacking := _lacking(merged["data"], folder):
            missing[task_name] = lacking
            continue
        steps = _steps(start, merged, folder, f"{where}, task {task_name!r}")
        own = {
            "name": task_name,
            "out": str(place / folder_name(task_name)),
            "seed": _seed(seed, content),
            "steps": steps,
        }
        tasks[task_name] = recipes.read(own, running.STEPS)
        _check(tasks[task_name], f"{where}, task {task_name!r}")
    if not tasks:
        raise UsageError(
            f"no task of the suite has its data: there is no file {next(iter(missing.values()))!r}",
            where=where,
            remedy=f"put the files of a task, or of some, into {folder or 'the folder of the suite'}",
        )
    return Suite(name, place, tasks, scores, missing, tuple(next(iter(entry)) for entry in entries))


def _load(suite: str | Path | Mapping[str, Any]) -> tuple[dict[str, Any], Path | None, str]:
    if isinstance(suite, Mapping):
        return dict(suite), None, "suite"
    file = Path(suite) / FILE if Path(suite).is_dir() else Path(suite)
    if not file.is_file():
        raise UsageError(
            f"there is no suite {str(suite)!r}",
            allowed=f"a folder with {FILE}, or such a file",
            where=str(file),
            remedy="write one: tasks: [{NAME: {data: FILE}}, …], see oreline.api.suite",
        )
    return recipes.load_yaml(file), file.parent, str(file)


def _split(entry: Any, where: str) -> tuple[str, dict[str, Any]]:
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise UsageError("a task is one name with its options", where=where, allowed="{name: {data: …}}")
    name, options = next(iter(entry.items()))
    if not isinstance(options, Mapping) or "data" not in options:
        raise UsageError(f"the task {name!r} names no data", where=where, remedy="data: FILE")
    return str(name), dict(options)


def _steps(start: Any, options: Mapping[str, Any], folder: Path | None, where: str) -> list[dict[str, Any]]:
    """Return the steps of a task's recipe: refine raw data, train unless the method is none, evaluate."""
    from oreline.data.dataset import DATASET

    data = _at(options["data"], folder)
    steps: list[dict[str, Any]] = []
    refined = {key: options[key] for key in _REFINE if key in options}
    if isinstance(data, str) and (Path(data) / DATASET).is_file():
        if refined:
            raise UsageError(
                f"the data are refined already, and {next(iter(refined))!r} is an option of refine",
                where=where,
                remedy="leave it out, or name the raw data",
            )
    else:
        steps.append({"refine": {"as": "data", "data": data, **refined}})
        data = "data"
    method = options.get("method", "auto")
    model = names.model_name(start)
    judged = {"data": data, "split": options.get("judge", "test")}
    judged |= {"metrics": _listed(options["metrics"])} if options.get("metrics") else {}
    if method == NO_TRAINING:
        return [*steps, {"evaluate": {"model": model, **judged, "baseline": "none"}}]
    trained = {key: options[key] for key in _FINETUNE if key in options}
    begun = {} if method == "linear" else {"start": model}
    steps.append({"finetune": {"as": "model", "data": data, **begun, **trained}})
    return [*steps, {"evaluate": {"model": "model", **judged}}]


def _listed(given: Any) -> list[str]:
    return [str(one) for one in given] if isinstance(given, list | tuple) else [str(given)]


def _lacking(data: Any, folder: Path | None) -> str:
    """Return the first file of a task's data that is not there; empty where all are, or where none is named."""
    if isinstance(data, Mapping):
        parts = [data["path"]] if "path" in data and names.is_described(data) else list(data.values())
        parts = [] if names.is_described(data) and "path" not in data else parts
        return next((lacking for part in parts if (lacking := _lacking(part, folder))), "")
    if isinstance(data, list):  # of files; any other list is a column
        files = [part for part in data if isinstance(part, Mapping) or _is_file_name(part)]
        return next((lacking for part in files if (lacking := _lacking(part, folder))), "")
    if not _is_file_name(data):
        return ""
    path = data.partition("#")[0]
    places = [Path(path), *([folder / path] if folder else [])]
    return "" if any(place.exists() for place in places) else data


def _is_file_name(given: Any) -> bool:
    """Whether a value names a file or a folder of this machine: with an ending or a slash, and no pattern.

    >>> _is_file_name("CoLA/train.tsv"), _is_file_name("catalog:rotten-tomatoes"), _is_file_name("a film. Long")
    (True, False, False)
    """
    if not isinstance(given, str) or ":" in given or any(sign.isspace() or sign in "*?[" for sign in given):
        return False
    return bool(Path(given.partition("#")[0]).suffix) or "/" in given


def _at(data: Any, folder: Path | None) -> Any:
    """Return data with paths that begin at the suite's folder."""
    if isinstance(data, Mapping):
        return {name: _at(part, folder) for name, part in data.items()}
    if isinstance(data, list):
        return [_at(part, folder) for part in data]
    if not isinstance(data, str) or folder is None:
        return data
    path, mark, split = data.partition("#")
    return f"{folder / path}{mark}{split}" if (folder / path).exists() else data


def _check(recipe: Recipe, where: str) -> None:
    """Raise `UsageError` for whatever can be seen before the first model is trained."""
    try:
        running.planned(recipe)
        by_verb = {step.verb: step.options for step in recipe.steps}
        if "finetune" in by_verb:
            _check_method(by_verb["finetune"])
        _check_split(by_verb.get("refine"), by_verb["evaluate"])
    except UsageError as error:
        error.where = ", ".join(filter(None, (where, error.where.rpartition(", ")[2])))
        raise


def _check_method(options: Mapping[str, Any]) -> None:
    """Raise `UsageError` for a task that does not exist, or a method that does not teach it or lacks an option."""
    from oreline.train.finetune import refuse_unfit

    task, method = options.get("task", "text_classification"), options.get("method", "auto")
    names.known_plug("task", task)
    if method != "auto":
        refuse_unfit(names.method(method, options.get("method_options")), method, task, TrainOptions())


def _check_split(refined: Mapping[str, Any] | None, judged: Mapping[str, Any]) -> None:
    """Raise `UsageError` where a task is to be judged on a split that its data will not have."""
    from oreline.data.dataset import Dataset
    from oreline.data.sources import given_splits

    if refined is None:
        known = list(Dataset.open(str(judged["data"]).partition("#")[0]).splits)
    else:
        given = given_splits(refined["data"])
        known = list(given if given is not None else refined.get("split") or names.DEFAULT_SPLIT)
    if judged["split"] not in known and len(known) > 1:
        raise UsageError(
            f"the data have no split {judged['split']!r} to judge the task on",
            where="judge",
            allowed=did_you_mean(str(judged["split"]), known),
        )


def _with_overrides(options: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    changed = copy.deepcopy(options)
    for text in overrides:
        path, value = recipes.parse_assignment(text)
        recipes.assign(changed, path, value)
    return changed


def _merge(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    both = {key: {**value, **own[key]} for key, value in shared.items() if _are_mappings(value, own.get(key))}
    return {**shared, **own, **both}


def _are_mappings(*values: Any) -> bool:
    return all(isinstance(value, Mapping) for value in values)


def _seed(given: Any, content: Mapping[str, Any]) -> int:
    return int(content.get("seed", 0) if given is None else given)


def folder_name(name: str) -> str:
    """Return a name as a folder's name.

    >>> folder_name("GLUE like/1")
    'GLUE-like-1'
    """
    return "".join(letter if letter.isalnum() or letter in "._" else "-" for letter in name).strip("-.") or "task"


def _refuse_unknown(given: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in given:
        if key not in known:
            raise UsageError(f"unknown key {key!r}", where=where, allowed=did_you_mean(str(key), known))
