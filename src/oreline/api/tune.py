"""`tune`: search values for keys of a recipe, judged by the first figure of its model on dev, never on test."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from oreline.api import run as running
from oreline.api import study, tuned, tuning_report
from oreline.api.extras import names_missing_extras
from oreline.api.trials import BEST, Budget, spent_s
from oreline.api.trials import search as run_trials
from oreline.errors import UsageError
from oreline.report.report import Report, Table
from oreline.types import Event, OnEvent, ignore


@names_missing_extras
def tune(
    recipe: str | Path | Mapping[str, Any],
    *,
    search: Mapping[str, Any] | Sequence[str] | None = None,
    step: str | None = None,
    trials: int = 20,
    minutes: float | None = None,
    pruner: str = "median",
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Report:
    """Search values for keys of a recipe and write the best recipe to `OUT/best.yaml`, with a report beside.

    A search that was interrupted, or ended with its budget, goes on with the same call.

    Args:
        recipe: a YAML file, or its content as a mapping.
        search: what is searched, by key: `{"train.learning_rate": {"low": 1e-5, "high": 5e-4, "log": True}}`, a list
            of values, or the command line's texts; added to what the recipe has under `tune`.
        step: the fine-tuning step whose model is judged, the last one when not given.
        trials: how many there are at most, those of earlier calls included.
        minutes: after which no trial goes on, those of earlier calls included; what is in training then is continued
            by a later call with more minutes.
        pruner: `median` stops trials that are worse on dev than half of the others at the same point, `hyperband`
            most trials early, `none` no trial.
        overrides: `step.key=value` assignments for the recipe, or `seed=…`; the seed is the search's too.
        out: the folder of the search; the recipe's `out` with `-tune` when not given.
        force: begin anew where `out` holds a search.

    Raises:
        UsageError: the recipe, a key or a range is wrong, the data have no dev rows, or `out` holds something else.
        OrelineError: trial after trial failed; the last one's reason.
    """
    _refuse_no_time(trials, minutes)
    what = tuned.plan(recipe, search=search, step=step, pruner=pruner, overrides=overrides, out=out)
    identity = tuned.identity(what)
    with study.claimed(_checked(what.folder)):
        if force:
            _clear(what.folder)
        found = study.open_search(
            what.folder, what.space, identity, maximize=what.maximize, pruner=pruner, seed=what.read.seed
        )
        run_trials(what, found, trials, Budget(minutes, spent_s(found)), on_event)
        report = tuning_report.report_of(found, tuned.described(what), found.best())
        report.save(what.folder)
    on_event(Event("tune", message=f"report: {what.folder / 'report.html'}, best recipe: {what.folder / BEST}"))
    return report


def forecast(
    recipe: str | Path | Mapping[str, Any], *, trials: int = 20, minutes: float | None = None, **given: Any
) -> Report:
    """Check a search and say what it would take: the same arguments as `tune`, and nothing is written."""
    from oreline.api import plan

    _refuse_no_time(trials, minutes)
    what = tuned.plan(recipe, **given)
    read = replace(what.read, out=what.folder / "steps")
    made_of = tuned.ancestors(read, what.target)
    steps = [(item.step, item.options, False) for item in running.planned(read) if item.step.name in made_of]
    judged = plan.plan_recipe(read, steps)
    searched = [(d.key, str(d), tuned.value_of(read, d.key)) for d in what.space]
    return replace(
        judged,
        title=f"{read.name}: a search of {trials} trials; nothing was done or written",
        facts={**judged.facts, "out": str(what.folder), "trials": trials, "minutes": minutes, "figure": what.metric},
        tables=[
            Table("What is searched", ("key", "values", "as it stands"), searched),
            replace(judged.tables[0], title="Plan of one trial"),
        ],
    )


def _refuse_no_time(trials: int, minutes: float | None) -> None:
    if trials < 1 or (minutes is not None and not minutes > 0):
        raise UsageError(f"trials is {trials} and minutes {minutes}", allowed="at least one trial, minutes above 0")


def _checked(folder: Path) -> Path:
    """Return the folder of a search. Raises `UsageError` where it holds something else."""
    is_search = (folder / study.JOURNAL).is_file()
    if folder.exists() and not is_search and any(entry.name != study.LOCK for entry in folder.iterdir()):
        raise UsageError(f"{folder} exists already, and holds no search", remedy="choose another --out")
    return folder


def _clear(folder: Path) -> None:
    """Delete what earlier searches left."""
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != study.LOCK:
            entry.unlink()
