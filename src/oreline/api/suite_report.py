"""The table of a suite: each task's figure with its interval, the linear baseline beside it, and macro averages."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from oreline import registry
from oreline.api.run import RECORD
from oreline.errors import UsageError, did_you_mean
from oreline.recipe import Recipe
from oreline.report.report import Chart, Report, Table
from oreline.store import Artifact
from oreline.types import Estimate

if TYPE_CHECKING:
    from oreline.api.suite import Suite

AVERAGE = "macro average"
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Figures:
    """What one task of a suite came to."""

    task: str
    method: str
    train_rows: int | None
    figure: str
    """What its score is: a figure's name, or the names of several, whose mean it is, with ` & ` between them."""
    value: Estimate
    baseline: Estimate | None
    difference: Estimate | None
    seconds: float
    warnings: Sequence[str]


def report_of(suite: Suite, start: str, failed: Mapping[str, str]) -> Report:
    """Return the report of a suite; `failed` has a reason for each task that could not be finished."""
    name, tasks, missing = suite.name, suite.tasks, suite.missing
    found = {
        task: figures_of(recipe, suite.scores.get(task, ()), task)
        for task, recipe in tasks.items()
        if task not in failed
    }
    averaged = {task: one for task, one in found.items() if higher_is_better(one.figure)}
    rows: list[list[Any]] = [
        _row(task, found[task]) if task in found else [task, MISSING, None, None, None, None]
        for task in suite.names
        if task in found or task in missing
    ]
    lacking = [*missing, *failed]
    average = f"{AVERAGE} of {len(averaged)} of {len(suite.names)} tasks" if lacking else AVERAGE
    mean = macro_average([one.value for one in averaged.values()])
    compared = [one for one in averaged.values() if one.baseline and one.difference]
    if mean is not None and len(averaged) > 1:
        beside = [macro_average([getattr(one, part) for one in compared]) for part in ("baseline", "difference")]
        beside = beside if len(compared) == len(averaged) else [None, None]
        rows.append([average, "", mean, *beside, sum(one.seconds for one in found.values())])
    columns = ("task", "figure", "this model", "linear", "difference", "seconds")
    note = "95 % intervals; the average's from the tasks' own (MOVER)"
    if len(averaged) < len(found):
        note += (
            f"; not in the average, since less is better: {', '.join(task for task in found if task not in averaged)}"
        )
    if any(" & " in one.figure for one in found.values()):
        note += "; of a mean of several figures, the mean of theirs, which is not too narrow"
    tables = [Table("Tasks", columns, rows, note=note)]
    trained = [(task, one.task, one.method, one.train_rows, one.value.n) for task, one in found.items()]
    tables.append(Table("How they were trained", ("task", "kind", "method", "train rows", "rows judged"), trained))
    if failed:
        tables.append(Table("Failed", ("task", "reason"), list(failed.items())))
    if missing:
        tables.append(Table("Missing", ("task", "file that is not there"), list(missing.items())))
    return Report(
        verb="evaluate",
        title=f"Suite {name}: {len(suite.names)} tasks",
        subject={"start": start, "suite": name},
        metrics={f"{'partial' if lacking else 'macro'}_average": mean}
        if mean is not None and len(averaged) > 1
        else {},
        facts={
            "tasks": len(suite.names),
            "failed": len(failed),
            "missing": len(missing),
            "seconds": round(sum(one.seconds for one in found.values()), 1),
        },
        tables=tables,
        charts=[_chart(found)] if found else [],
        warnings=[
            *(f"{task} has no figure: {reason}" for task, reason in failed.items()),
            *(f"{task} is missing: there is no file {file!r}" for task, file in missing.items()),
            *(["an average of some tasks compares with no average of all of them"] if lacking and mean else []),
            *(f"{task}: {warning}" for task, one in found.items() for warning in one.warnings),
        ],
    )


def higher_is_better(score: str) -> bool:
    """Whether more of a score is better: of each figure in it. Only what is named like its metric can be an error."""
    plugs = [registry.get("metric", name) for name in score.split(" & ") if name in registry.names("metric")]
    return all(plug.higher_is_better for plug in plugs)


def figures_of(recipe: Recipe, score: Sequence[str] = (), name: str = "") -> Figures:
    """Return what a task's finished recipe says: its evaluation, and the time of all its steps.

    Args:
        recipe: of the task.
        score: figures whose mean is the task's score; the task's first one when there are none.
        name: of the task.

    Raises `UsageError` for a figure that was not measured.
    """
    report = Report.open(recipe.out / "evaluate" / "report.json")
    trained = next((step for step in recipe.steps if step.verb == "finetune"), None)
    model = recipe.out / trained.name if trained else report.subject["model_path"]
    manifest = Artifact.open(model, verify=False).manifest
    figures = list(score) or [registry.get("task", manifest.task).metrics[0]]
    if unknown := next((figure for figure in figures if figure not in report.metrics), None):
        raise UsageError(
            f"there is no figure {unknown!r} to score by",
            where=f"task {name!r}",
            allowed=did_you_mean(unknown, report.metrics),
            remedy="score: the name of a figure; with metrics: [per_class] there is one for each class, such as f1_1",
        )
    record = json.loads((recipe.out / RECORD).read_text(encoding="utf-8"))["steps"]
    against = next((table for table in report.tables if table.title.startswith("Against the baseline")), None)
    rows = [row for figure in figures for row in (against.rows if against else []) if row[0] == figure]
    beside, between = (
        [Estimate(**row[place]) for row in rows if row[place]] if len(rows) == len(figures) else [] for place in (2, 3)
    )
    return Figures(
        manifest.task,
        str(manifest.recipe.get("options", {}).get("method", "")) if trained else "none",
        int(manifest.data.get("rows", 0)) if trained else None,
        " & ".join(figures),
        _of_same_rows([report.metrics[figure] for figure in figures]),
        _of_same_rows(beside) if len(beside) == len(figures) else None,
        _of_same_rows(between) if len(between) == len(figures) else None,
        round(sum(float(entry.get("seconds", 0.0)) for entry in record.values()), 1),
        report.warnings,
    )


def macro_average(values: Sequence[Estimate]) -> Estimate | None:
    """Return the mean of independent figures, with its interval from theirs; None of none.

    `mean ± sqrt(sum (bound_i - value_i)²) / T` on each side (MOVER). n counts the rows of all.

    Source: Zou & Donner, Construction of confidence limits about effect measures, Statistics in Medicine 27, 2008.

    >>> str(macro_average([Estimate(0.8, 0.77, 0.83, 100), Estimate(0.6, 0.56, 0.64, 50)]))
    '0.7000 [0.6750, 0.7250] n=150'
    """
    if not values:
        return None
    mean = sum(one.value for one in values) / len(values)
    low, high = (
        math.sqrt(sum((getattr(one, bound) - one.value) ** 2 for one in values)) / len(values)
        for bound in ("low", "high")
    )
    return Estimate(mean, mean - low, mean + high, sum(one.n for one in values))


def _of_same_rows(values: Sequence[Estimate]) -> Estimate:
    """Return the mean of figures of the same rows: its bounds are the means of theirs, as if all erred together.

    >>> str(_of_same_rows([Estimate(0.8, 0.7, 0.9, 50), Estimate(0.6, 0.4, 0.8, 50)]))
    '0.7000 [0.5500, 0.8500] n=50'
    """
    value, low, high = (sum(getattr(one, part) for one in values) / len(values) for part in ("value", "low", "high"))
    return Estimate(value, low, high, max(one.n for one in values))


def _row(task: str, one: Figures) -> list[Any]:
    return [task, one.figure, one.value, one.baseline, one.difference, one.seconds]


def _chart(found: Mapping[str, Figures]) -> Chart:
    series = {"this model": [round(one.value.value, 4) for one in found.values()]}
    if any(one.baseline for one in found.values()):
        series["linear"] = [round(one.baseline.value, 4) if one.baseline else None for one in found.values()]  # type: ignore[misc]
    return Chart(
        "Figures by task", "bars", {"labels": [f"{t}: {o.figure}" for t, o in found.items()], "series": series}
    )
