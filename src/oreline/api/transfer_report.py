"""The report of leaving values out: in-domain and out-of-domain figures side by side, with the interval of the gap."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oreline import registry
from oreline.api.suite_report import macro_average
from oreline.report.report import Chart, Report, Table
from oreline.store import Artifact
from oreline.types import Estimate

AVERAGE = "average"


@dataclass(frozen=True, slots=True)
class Beside:
    """Another model's figure on the left-out rows, and the paired difference to this one's."""

    value: Estimate
    difference: Estimate


@dataclass(frozen=True, slots=True)
class Experiment:
    """What leaving one set of values out came to."""

    values: str
    figure: str
    method: str
    num_train: int
    inside: Estimate
    outside: Estimate
    linear: tuple[Estimate | None, Estimate | None]
    """The linear baseline's figures on the same rows."""
    reference: Beside | None
    """The model with all values, on the same rows; the difference is this model's minus its."""
    adapted: Beside | None
    """The model that was pretrained on the values' texts; the difference is its minus this model's."""
    num_adapted: int
    """Texts that it was pretrained on; 0 where there is none."""
    warnings: Sequence[str]

    @property
    def gap(self) -> Estimate:
        """Outside minus inside."""
        return difference(self.outside, self.inside)


def experiment(values: str, folder: Path, task: str) -> Experiment:
    """Read what an experiment's recipe wrote."""
    figure = registry.get("task", task).metrics[0]
    inside, outside = (Report.open(folder / name / "report.json") for name in ("inside", "outside"))
    manifest = Artifact.open(folder / "model", verify=False).manifest
    adapted, num_adapted = None, 0
    if (folder / "adapted_outside" / "report.json").is_file():
        report = Report.open(folder / "adapted_outside" / "report.json")
        if (found := _against(report, "compared model", figure)) is not None:
            adapted = Beside(report.metrics[figure], found.difference)
            num_adapted = int(Artifact.open(folder / "adapted_start", verify=False).manifest.data["rows"])
    baselines = [_against(report, "baseline", figure) for report in (inside, outside)]
    return Experiment(
        values,
        figure,
        str(manifest.recipe["options"]["method"]),
        int(manifest.data["rows"]),
        inside.metrics[figure],
        outside.metrics[figure],
        (baselines[0].value if baselines[0] else None, baselines[1].value if baselines[1] else None),
        _against(outside, "compared model", figure),
        adapted,
        num_adapted,
        outside.warnings,
    )


def report_of(column: str, found: Sequence[Experiment], *, subject: Mapping[str, Any]) -> Report:
    """Return the report over all experiments."""
    figure = found[0].figure
    rows: list[list[Any]] = [[one.values, one.num_train, one.inside, one.outside, one.gap] for one in found]
    mean = macro_average([one.outside for one in found])
    if len(found) > 1:
        gap = sum(one.gap.value for one in found) / len(found)
        rows.append([AVERAGE, None, sum(one.inside.value for one in found) / len(found), mean, gap])
    tables = [
        Table(
            f"Trained without these values of {column}: {figure} on test",
            ("left out", "train rows", "other values", "left-out values", "gap"),
            rows,
            note="95 % intervals; the gap is between different rows (unpaired, MOVER)",
        ),
        *_beside(found, "reference", "Beside a model that knows the values", "with them", "not knowing them"),
        *_beside(found, "adapted", "After pretraining on the left-out values' texts", "adapted", "adapting"),
        *_linear(found),
    ]
    series = {
        "other values": [round(one.inside.value, 4) for one in found],
        "left-out values": [round(one.outside.value, 4) for one in found],
    }
    return Report(
        verb="finetune",
        title=f"Transfer across {column}",
        subject=dict(subject),
        metrics={f"{figure}_left_out": mean} if mean else {},
        facts={
            "experiments": len(found),
            "method": ", ".join(dict.fromkeys(one.method for one in found)),
            **({"texts adapted to": adapted_to} if (adapted_to := sum(one.num_adapted for one in found)) else {}),
        },
        tables=tables,
        charts=[Chart(f"{figure} on test", "bars", {"labels": [one.values for one in found], "series": series})],
        warnings=[f"{one.values}: {warning}" for one in found for warning in one.warnings],
    )


def difference(one: Estimate, other: Estimate) -> Estimate:
    """Return `one - other` of independent figures, with its interval from theirs; n counts the rows of both.

    Below the difference by `sqrt((one - one.low)² + (other.high - other)²)`, above it likewise (MOVER; for Wilson's
    intervals of two shares it is Newcombe's).

    Source: Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17,
    1998, method 10; Zou & Donner, ibid. 27, 2008. The example is Newcombe's (a): 56 of 70 against 48 of 80.

    >>> str(difference(Estimate(0.8, 0.6918, 0.8774, 70), Estimate(0.6, 0.4905, 0.7003, 80)))
    '0.2000 [0.0525, 0.3341] n=150'
    """
    value = one.value - other.value
    low = math.hypot(one.value - one.low, other.high - other.value)
    high = math.hypot(one.high - one.value, other.value - other.low)
    return Estimate(value, value - low, value + high, one.n + other.n)


def _against(report: Report, name: str, figure: str) -> Beside | None:
    table = next((table for table in report.tables if table.title.startswith(f"Against the {name}")), None)
    row = next((row for row in table.rows if row[0] == figure), None) if table else None
    return Beside(Estimate(**row[2]), Estimate(**row[3])) if row and row[2] and row[3] else None


def _beside(found: Sequence[Experiment], name: str, title: str, column: str, what: str) -> list[Table]:
    pairs = [(one, getattr(one, name)) for one in found if getattr(one, name)]
    rows = [(one.values, one.outside, other.value, other.difference) for one, other in pairs]
    note = "on the same left-out rows; 95 % intervals, those of the differences paired by row"
    return [Table(title, ("left out", "without them", column, what), rows, note=note)] if rows else []


def _linear(found: Sequence[Experiment]) -> list[Table]:
    rows = [
        (one.values, *one.linear, difference(one.linear[1], one.linear[0]))
        for one in found
        if one.linear[0] is not None and one.linear[1] is not None
    ]
    columns = ("left out", "other values", "left-out values", "gap")
    return [Table("The linear baseline on the same rows", columns, rows)] if rows else []
