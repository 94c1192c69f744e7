"""The table of a suite: each task's figure with its interval, the linear baseline beside it, and macro averages."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oreline import registry
from oreline.api.run import RECORD
from oreline.recipe import Recipe
from oreline.report.report import Chart, Report, Table
from oreline.store import Artifact
from oreline.types import Estimate

AVERAGE = "macro average"


@dataclass(frozen=True, slots=True)
class Figures:
    """What one task of a suite came to."""

    task: str
    method: str
    train_rows: int | None
    figure: str
    value: Estimate
    baseline: Estimate | None
    difference: Estimate | None
    seconds: float
    warnings: Sequence[str]


def report_of(name: str, start: str, tasks: Mapping[str, Recipe], failed: Mapping[str, str]) -> Report:
    """Return the report of a suite; `failed` has a reason for each task without a figure."""
    found = {task: figures_of(recipe) for task, recipe in tasks.items() if task not in failed}
    averaged = {task: one for task, one in found.items() if registry.get("metric", one.figure).higher_is_better}
    rows: list[list[Any]] = [_row(task, one) for task, one in found.items()]
    mean = macro_average([one.value for one in averaged.values()])
    compared = [one for one in averaged.values() if one.baseline and one.difference]
    if mean is not None and len(averaged) > 1:
        beside = [macro_average([getattr(one, part) for one in compared]) for part in ("baseline", "difference")]
        beside = beside if len(compared) == len(averaged) else [None, None]
        rows.append([AVERAGE, "", mean, *beside, sum(one.seconds for one in found.values())])
    columns = ("task", "figure", "this model", "linear", "difference", "seconds")
    note = "95 % intervals; the average's from the tasks' own (MOVER)"
    if len(averaged) < len(found):
        note += (
            f"; not in the average, since less is better: {', '.join(task for task in found if task not in averaged)}"
        )
    tables = [Table("Tasks", columns, rows, note=note)]
    trained = [(task, one.task, one.method, one.train_rows, one.value.n) for task, one in found.items()]
    tables.append(Table("How they were trained", ("task", "kind", "method", "train rows", "rows judged"), trained))
    if failed:
        tables.append(Table("Failed", ("task", "reason"), list(failed.items())))
    return Report(
        verb="evaluate",
        title=f"Suite {name}: {len(tasks)} tasks",
        subject={"start": start, "suite": name},
        metrics={"macro_average": mean} if mean is not None and len(averaged) > 1 else {},
        facts={"tasks": len(tasks), "failed": len(failed), "seconds": round(sum(o.seconds for o in found.values()), 1)},
        tables=tables,
        charts=[_chart(found)] if found else [],
        warnings=[
            *(f"{task} has no figure: {reason}" for task, reason in failed.items()),
            *(f"{task}: {warning}" for task, one in found.items() for warning in one.warnings),
        ],
    )


def figures_of(recipe: Recipe) -> Figures:
    """Return what a task's finished recipe says: its evaluation, and the time of all its steps."""
    report = Report.open(recipe.out / "evaluate" / "report.json")
    trained = next((step for step in recipe.steps if step.verb == "finetune"), None)
    model = recipe.out / trained.name if trained else report.subject["model_path"]
    manifest = Artifact.open(model, verify=False).manifest
    figure = registry.get("task", manifest.task).metrics[0]
    record = json.loads((recipe.out / RECORD).read_text(encoding="utf-8"))["steps"]
    against = next((table for table in report.tables if table.title.startswith("Against the baseline")), None)
    row = next((row for row in against.rows if row[0] == figure), None) if against else None
    return Figures(
        manifest.task,
        str(manifest.recipe.get("options", {}).get("method", "")) if trained else "none",
        int(manifest.data.get("rows", 0)) if trained else None,
        figure,
        report.metrics[figure],
        Estimate(**row[2]) if row and row[2] else None,
        Estimate(**row[3]) if row and row[3] else None,
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


def _row(task: str, one: Figures) -> list[Any]:
    return [task, one.figure, one.value, one.baseline, one.difference, one.seconds]


def _chart(found: Mapping[str, Figures]) -> Chart:
    series = {"this model": [round(one.value.value, 4) for one in found.values()]}
    if any(one.baseline for one in found.values()):
        series["linear"] = [round(one.baseline.value, 4) if one.baseline else None for one in found.values()]  # type: ignore[misc]
    return Chart(
        "Figures by task", "bars", {"labels": [f"{t}: {o.figure}" for t, o in found.items()], "series": series}
    )
