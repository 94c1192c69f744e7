"""Execute recipes: each step's output lies in `out/<step name>`, and the same command continues an interrupted run.

A finished step is recorded in `out/run.json` under a key: a hash of its verb, its options, the seed, the content of
the raw files it names and the keys of the steps it names. A step with the same key whose output still opens is
skipped; all others run, and a training that was interrupted continues from its own checkpoint.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from oreline import recipe as recipes
from oreline import registry, store
from oreline.api import VERBS, names, rehearse, summary
from oreline.api.baseline import NONE
from oreline.api.running import RUN_OPTIONS
from oreline.errors import DataError, OrelineError, UsageError, did_you_mean
from oreline.recipe import Recipe, Step
from oreline.store import Artifact
from oreline.types import Event, OnEvent, ignore

if TYPE_CHECKING:
    from oreline.report.report import Report

STEPS: dict[str, Callable[..., Any]] = {**VERBS, "serve": rehearse.serve}
"""The verbs of recipes: `serve` rehearses, since a recipe comes to an end."""

RECORD = "run.json"
_DATASETS = {"refine"}
_REPORTS = {"evaluate", "monitor", "serve", "multitask"}
_PLUGS = {
    "operators": "operator",
    "objective": "objective",
    "task": "task",
    "policy": "policy",
    "detectors": "detector",
    "metrics": "metric",
}
"""Options that name plugs, with the plugs' kind."""
_RAW_DATA = {"data", "fresh", "gate", "rehearse"}
"""Options that may name raw data; their content is part of a step's key."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A step with what it names put in place."""

    step: Step
    options: dict[str, Any]
    """The step's options, with the names of earlier steps replaced by their folders."""
    out: Path
    key: str


def run(
    recipe: str | Path | Mapping[str, Any],
    *,
    overrides: Sequence[str] = (),
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Report:
    """Execute a recipe and return one report over all of its steps, also written to `out/report.html`.

    Args:
        recipe: a YAML file, or its content as a mapping.
        overrides: `step.key=value` assignments, or `out=…`, `seed=…`.
        force: replace the output of steps whose options or inputs have changed since.

    Raises:
        UsageError: the recipe is wrong, or `out` holds the output of another recipe (and `force` is not set).
        OrelineError: a step failed; the steps before it stay, and the same command continues there.
    """
    read = recipes.read(recipe, STEPS, overrides=overrides)
    steps = planned(read)
    with store.translating(read.out):
        read.out.mkdir(parents=True, exist_ok=True)
    record = _record(read.out)
    _refuse_changed(read, steps, record, force)
    try:
        _save_recipe(read)
        store.write_json(read.out / RECORD, {"steps": record})  # from here on, what lies in `out` is this run's
    except OrelineError:
        with contextlib.suppress(OSError):
            read.out.rmdir()  # a full disk: nothing could be written, so nothing is left
        raise
    begun = time.monotonic()
    for number, item in enumerate(steps, start=1):
        title = f"[{number}/{len(steps)}] {item.step.name}"
        if is_finished(item, record):
            on_event(Event("run", message=f"{title}: done already"))
            continue
        on_event(Event("run", message=title + (f" ({item.step.verb})" if item.step.name != item.step.verb else "")))
        step_begun = time.monotonic()
        execute(item, read.seed, on_event)
        record[item.step.name] = {"key": item.key, "seconds": round(time.monotonic() - step_begun, 2)}
        store.write_json(read.out / RECORD, {"steps": record})
    seconds = {name: float(entry.get("seconds", 0.0)) for name, entry in record.items()}
    report = summary.report_of(read, seconds, wall_s=time.monotonic() - begun)
    report.save(read.out)
    on_event(Event("run", message=f"report: {read.out / 'report.html'}"))
    return report


def planned(read: Recipe, *, folder: Callable[[str, str], Path] | None = None) -> list[Planned]:
    """Put folders in place of step names. Raises `UsageError` for a name that is neither a step nor a file.

    `folder(name, key)` says where a step's output lies; by default in the recipe's `out`, under the step's name.
    """
    done: dict[str, Planned] = {}
    for step in read.steps:
        check_plugs(step, read)
        options = dict(step.options)
        inputs = []
        for option in recipes.REFERENCES:
            value = options.get(option)
            if value is None or (option == "baseline" and value == NONE):
                inputs += [str(value)] if value else []
                continue
            entries = value if isinstance(value, list) else [value]
            found = [
                _in_place(entry, done, f"{read.source}, step {step.name!r}, {option}", option) for entry in entries
            ]
            options[option] = [entry for entry, _ in found] if isinstance(value, list) else found[0][0]
            inputs += [key for _, key in found]
        for name, given in (options.get("tasks") or {}).items():  # several tasks: each names its own data
            if isinstance(given, Mapping) and "data" in given:
                where = f"{read.source}, step {step.name!r}, tasks.{name}.data"
                placed, key = _in_place(given["data"], done, where, "data")
                options["tasks"] = {**options["tasks"], name: {**given, "data": placed}}
                inputs.append(key)
        beside = {*recipes.REFERENCES, *RUN_OPTIONS}
        plain = {name: value for name, value in step.options.items() if name not in beside}
        content = json.dumps([step.verb, plain, inputs, read.seed], sort_keys=True, default=_as_json)
        key = hashlib.sha256(content.encode()).hexdigest()
        done[step.name] = Planned(step, options, folder(step.name, key) if folder else read.out / step.name, key)
    return list(done.values())


def plan_run(recipe: str | Path | Mapping[str, Any], *, overrides: Sequence[str] = ()) -> Report:
    """Validate a recipe and say what running it would do here: each step, its state, rows, memory and time."""
    from oreline.api import plan

    read = recipes.read(recipe, STEPS, overrides=overrides)
    record = _record(read.out)
    steps = planned(read)
    return plan.plan_recipe(read, [(item.step, item.options, is_finished(item, record)) for item in steps])


def rerun(
    model: Any,
    *,
    out: str | Path | None = None,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Artifact:
    """Make a model again from the recipe saved in it, with the values that were resolved then.

    Raises:
        UsageError: the data or the start model it was made from are gone or changed.
    """
    from oreline.api import again

    return again.rerun(Artifact.open(names.model_path(model)), out=out, force=force, on_event=on_event)


def check_plugs(step: Step, read: Recipe) -> None:
    """A plug that does not exist is said before the first step runs, not after the steps before it."""
    kinds = {**_PLUGS, "method": "compression" if step.verb == "compress" else "method"}
    for option, kind in kinds.items():
        entries = step.options.get(option) or []
        for entry in [entries] if isinstance(entries, str) else entries:
            name = str(next(iter(entry), "") if isinstance(entry, Mapping) else entry).replace("-", "_")
            if name not in registry.choices(kind):
                raise UsageError(
                    f"there is no {kind} named {name!r}",
                    where=f"{read.source}, step {step.name!r}, {option}",
                    allowed=did_you_mean(name, registry.choices(kind)),
                )


# --- one step -----------------------------------------------------------------------------------------------


def execute(item: Planned, seed: int, on_event: OnEvent) -> None:
    """Call one step's verb."""
    function = STEPS[item.step.verb]
    accepted = inspect.signature(function).parameters
    # What lies there under this run's record is this run's own: an unfinished or outdated output of this step.
    common = {"out": item.out, "seed": seed, "force": item.out.exists(), "on_event": on_event}
    result = function(**item.options, **{name: value for name, value in common.items() if name in accepted})
    if isinstance(result, tuple):
        folder = item.out.parent / summary.REPORTS
        with store.translating(folder):
            folder.mkdir(exist_ok=True)
        result[1].save(folder, name=item.step.name)


def is_finished(item: Planned, record: Mapping[str, Any]) -> bool:
    """Whether the record has a step under its key, and the output still opens."""
    if record.get(item.step.name, {}).get("key") != item.key:
        return False
    try:
        if item.step.verb in _DATASETS:
            return bool(names.dataset(item.out).manifest.fingerprint)
        if item.step.verb in _REPORTS:
            return (item.out / "report.json").is_file()
        return bool(Artifact.open(item.out).id)
    except (OrelineError, OSError):
        return False


def _refuse_changed(read: Recipe, steps: Sequence[Planned], record: Mapping[str, Any], force: bool) -> None:
    """A finished step of other options or inputs is somebody's result, not ours to replace."""
    if force:
        return
    for item in steps:
        recorded = record.get(item.step.name)
        if recorded is not None and recorded["key"] != item.key and item.out.exists():
            raise UsageError(
                f"the step {item.step.name!r} was finished here with other options or other input",
                where=str(item.out),
                remedy="choose another out (--set out=DIR), or add --force to do it and what follows again",
            )
        if recorded is None and item.out.exists() and not (read.out / RECORD).exists() and any(item.out.iterdir()):
            raise UsageError(
                f"{item.out} exists already, and not from a run of this recipe",
                remedy="choose another out (--set out=DIR), or add --force to replace it",
            )


def _in_place(value: Any, done: Mapping[str, Planned], where: str, option: str) -> tuple[Any, str]:
    """Return what to hand to the verb, and what stands for it in the key."""
    if isinstance(value, Mapping) and option in _RAW_DATA and names.is_described(value):
        return _described_in_place(value, done, where, option)
    if isinstance(value, list) and option in _RAW_DATA and all(_is_place(part, done) for part in value):
        # the sources of one given split; any other list is a column
        entries = [_in_place(entry, done, where, option) for entry in value]
        return [entry for entry, _ in entries], json.dumps([key for _, key in entries])
    if isinstance(value, Mapping):  # given splits: each names its own files
        found = {part: _in_place(entry, done, where, option) for part, entry in value.items()}
        placed = {part: entry for part, (entry, _) in found.items()}
        return placed, json.dumps({part: key for part, (_, key) in found.items()}, sort_keys=True)
    if not isinstance(value, str):
        return value, json.dumps(value, sort_keys=True, default=_as_json)
    name, separator, split = value.partition("#")
    if name in done:
        return f"{done[name].out}{separator}{split}", f"{done[name].key}{separator}{split}"
    first, _, inner = name.partition("/")
    if inner and first in done and done[first].step.verb == "multitask":
        return f"{done[first].out}/{inner}", f"{done[first].key}/{inner}"
    if not _is_elsewhere(value, option):
        raise UsageError(
            f"there is no earlier step and no file {value!r}",
            where=where,
            allowed=did_you_mean(name, done) if done else "",
            remedy="check the path, or name a step above this one",
        )
    key = None
    if option in _RAW_DATA and not Path(name).is_dir():
        with contextlib.suppress(OrelineError):
            key = names.content_key(name)
    return value, key or value


def _is_place(value: Any, done: Mapping[str, Planned]) -> bool:
    """Whether an entry of a list names rows: an earlier step, a file, or a description of a source."""
    if isinstance(value, str):  # as `data.sources.given_splits` tells a list of files from a column of texts
        name = value.partition("#")[0]
        return name in done or value.startswith(names.CATALOG) or os.path.exists(name)  # noqa: PTH110  a text may be long
    return names.is_described(value)


def _is_elsewhere(value: str, option: str) -> bool:
    """Whether a text names something that no step of the recipe makes."""
    name = value.partition("#")[0]
    return (
        value.startswith((names.CATALOG, names.NEW))
        or "://" in value
        or Path(name).exists()
        or Path(value.rpartition("@")[0] or value).exists()
        or (option == "start" and "/" in value)
        or any(sign in value for sign in "*?[")
    )


def _described_in_place(
    value: Mapping[str, Any], done: Mapping[str, Planned], where: str, option: str
) -> tuple[dict[str, Any], str]:
    """Return a described source whose `path` may name an earlier step; its key tells the content of its files."""
    if "path" not in value:
        return dict(value), json.dumps(value, sort_keys=True, default=_as_json)
    paths = value["path"] if isinstance(value["path"], list) else [value["path"]]
    found = [_in_place(str(path), done, where, option) for path in paths]
    placed = [path for path, _ in found]
    key = json.dumps({**value, "path": [key for _, key in found]}, sort_keys=True, default=_as_json)
    return {**value, "path": placed if isinstance(value["path"], list) else placed[0]}, key


# --- the record ---------------------------------------------------------------------------------------------


def _record(out: Path) -> dict[str, Any]:
    file = out / RECORD
    if not file.is_file():
        return {}
    try:
        return dict(json.loads(file.read_text(encoding="utf-8"))["steps"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            "the record of this run cannot be read", where=str(file), remedy="delete it; every step runs again"
        ) from error


def complete(read: Recipe) -> dict[str, Any]:
    """Return the content of a recipe, overrides and names of steps included."""
    steps = [
        {step.verb: {"as": step.name, **json.loads(json.dumps(step.options, default=_as_json))}} for step in read.steps
    ]
    return {"name": read.name, "out": str(read.out), "seed": read.seed, "steps": steps}


def _save_recipe(read: Recipe) -> None:
    """Keep the complete recipe beside what it produced."""
    store.write_text(read.out / "recipe.yaml", yaml.safe_dump(complete(read), allow_unicode=True, sort_keys=False))


def _as_json(value: Any) -> Any:
    return value.model_dump(exclude_unset=True) if hasattr(value, "model_dump") else str(value)
