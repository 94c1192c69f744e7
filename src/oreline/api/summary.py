"""One report over all steps of a recipe: one table of results, the steps' pictures, and where everything lies.

It reads what the steps wrote, so that a run that was continued reports like one that was not interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from oreline.recipe import Recipe, Step
from oreline.report.report import Chart, Report, Table
from oreline.store import Artifact

REPORTS = "reports"
"""Folder in a run's output with the reports of steps whose output is a model."""
_MAX_ERRORS = 10

Line = tuple[str, str]
"""What, and its value."""


def report_of(read: Recipe, seconds: Mapping[str, float], *, wall_s: float) -> Report:
    """Return the report of a run whose steps are all done."""
    reports = {step.name: step_report(step, read.out) for step in read.steps}
    lines = [(step.name, what, value) for step in read.steps for what, value in _lines(step, reports[step.name], read.out)]
    last = next((step.name for step in reversed(read.steps) if step.verb == "evaluate"), None)
    metrics = {name: value for name, value in reports[last].metrics.items() if name != "ece"} if last else {}
    return Report(
        verb="run",
        title=f"{read.name}: {len(read.steps)} steps",
        subject={"recipe": read.name, "seed": read.seed, "out": str(read.out.absolute())},
        metrics=metrics,
        facts={
            "wall_s": round(wall_s, 1),
            "steps_s": {name: round(value, 1) for name, value in seconds.items()},
            "refused": [step.name for step in read.steps if _is_refused(reports[step.name])],
        },
        tables=[
            Table("Results", ("step", "what", "value"), lines, note="intervals are 95 %"),
            *_worst(reports[last] if last else None),
            Table("Where it lies", ("step", "seconds", "folder", "page"), list(_places(read, seconds))),
        ],
        charts=list(_charts(read.steps, reports, last)),
        warnings=[f"{name}: {warning}" for name, report in reports.items() for warning in report.warnings],
    )


def step_report(step: Step, out: Path) -> Report:
    """Return the report of a finished step."""
    beside = out / REPORTS / f"{step.name}.json"
    return Report.open(beside if beside.is_file() else out / step.name / "report.json")


# --- the table of results -----------------------------------------------------------------------------------


def _lines(step: Step, report: Report, out: Path) -> Iterator[Line]:
    yield from _LINES.get(step.verb, _plain)(report, out / step.name)


def _refine(report: Report, _: Path) -> Iterator[Line]:
    facts = report.facts
    yield "rows in → out", f"{facts['rows_in']:,} → {facts['rows_out']:,}"
    for operator, action, reason, rows in _table(report, "What happened to rows"):
        yield f"rows {action} by {operator}", f"{rows:,}: {reason}"
    yield "rows by split", ", ".join(f"{name} {rows:,}" for name, rows in facts.get("splits", {}).items())
    for pair, leak in facts.get("leaks", {}).items():
        groups = "" if leak["same_group"] is None else f", {leak['same_group']} groups"
        near = "" if leak["near"] is None else f", {leak['near']} of {leak['near_tested']} near-duplicates"
        yield f"leaks {pair}", f"{leak['same_text']} texts{groups}{near}"


def _pretrain(report: Report, _: Path) -> Iterator[Line]:
    for name, when in (("loss_before", "before"), ("loss_after", "after")):
        yield f"loss per masked token {when}, nats", str(report.metrics[name])


def _finetune(report: Report, folder: Path) -> Iterator[Line]:
    artifact = Artifact.open(folder, verify=False)
    options = artifact.manifest.recipe["options"]
    yield "method", f"{options['method']}, {artifact.manifest.data.get('rows', 0):,} rows"
    yield "size", f"{artifact.size_bytes() / 1e6:.1f} MB"
    for name in ("train_s", "rows_per_s"):
        if name in report.facts:
            yield name.replace("_per_s", "/s").replace("_s", " seconds"), f"{report.facts[name]:,.1f}"


def _evaluate(report: Report, _: Path) -> Iterator[Line]:
    split = report.subject.get("split")
    for name in ("accuracy", "macro_f1", "log_loss", "ece"):
        if name in report.metrics:
            yield f"{name} on {split}", str(report.metrics[name])
    for figure, n, mine, theirs, difference, low, high in _table(report, "Against the "):
        if figure == "accuracy":
            other = next(table.title for table in report.tables if table.title.startswith("Against the "))
            named = other.removeprefix("Against the ").split(",")[0]
            yield f"accuracy of the {named}", f"{theirs} (here {mine}: {difference:+.4f} [{low:+.4f}, {high:+.4f}] n={n})"
    yield "rows/s", f"{report.facts['rows_per_s']:,.0f}"


def _compress(report: Report, folder: Path) -> Iterator[Line]:
    facts = report.facts
    yield "gate", str(facts["verdict"])
    for name in (name for name in report.metrics if not name.startswith("before ")):
        if f"before {name}" in report.metrics:
            yield f"{name} before", str(report.metrics[f"before {name}"])
        yield f"{name} after", str(report.metrics[name])
    yield "size", f"{facts['size_bytes_before'] / 1e6:.1f} → {facts['size_bytes'] / 1e6:.1f} MB"
    yield "rows/s", f"{facts['rows_per_s_before']:,.0f} → {facts['rows_per_s']:,.0f}"
    yield "latency of one row, ms", f"{facts['latency_ms_before']:.1f} → {facts['latency_ms']:.1f}"


def _serve(report: Report, _: Path) -> Iterator[Line]:
    facts = report.facts
    yield "requests", f"{facts['requests']:,} with {facts['rows']:,} rows, lost {facts['lost']}"
    for name in ("latency_p50_ms", "latency_p99_ms"):
        yield name.replace("_", " "), str(report.metrics[name])
    yield "served rows/s", f"{facts['rows_per_s']:,.0f}"
    yield "ready after, drained in", f"{facts['ready_s']:.1f} s, {facts['drain_s']:.1f} s"


def _monitor(report: Report, _: Path) -> Iterator[Line]:
    yield "drift", str(report.facts["verdict"])
    for name, estimate in report.metrics.items():
        yield name.replace("_", " "), str(estimate)


def _update(report: Report, _: Path) -> Iterator[Line]:
    yield "verdict", f"{report.facts['decision']}: {report.facts['verdict']}"
    yield "promoted", "yes" if report.facts.get("promoted") else "no"
    for name, estimate in report.metrics.items():
        yield name.replace("_", " "), str(estimate)


def _plain(report: Report, _: Path) -> Iterator[Line]:
    for name, estimate in report.metrics.items():
        yield name, str(estimate)


_LINES: dict[str, Callable[[Report, Path], Iterator[Line]]] = {
    "refine": _refine,
    "pretrain": _pretrain,
    "finetune": _finetune,
    "evaluate": _evaluate,
    "compress": _compress,
    "serve": _serve,
    "monitor": _monitor,
    "update": _update,
}


# --- the rest of the page -----------------------------------------------------------------------------------


def _table(report: Report, title: str) -> Sequence[Sequence[Any]]:
    return next((table.rows for table in report.tables if table.title.startswith(title)), ())


def _worst(report: Report | None) -> list[Table]:
    found = [table for table in report.tables if table.title.startswith("Most confident")] if report else []
    return [Table(table.title, table.columns, list(table.rows)[:_MAX_ERRORS], table.note) for table in found]


def _charts(steps: Sequence[Step], reports: Mapping[str, Report], last: str | None) -> Iterator[Chart]:
    """Every step's pictures; of several evaluations only the last one's."""
    for step in steps:
        if step.verb != "evaluate" or step.name == last:
            for chart in reports[step.name].charts:
                yield Chart(f"{step.name}: {chart.title}", chart.kind, chart.data, chart.note)


def _places(read: Recipe, seconds: Mapping[str, float]) -> Iterator[tuple[str, float, str, str]]:
    for step in read.steps:
        beside = read.out / REPORTS / f"{step.name}.html"
        page = beside if beside.is_file() else read.out / step.name / "report.html"
        yield step.name, round(seconds.get(step.name, 0.0), 1), str(read.out / step.name), str(page)
    yield "all", round(sum(seconds.values()), 1), str(read.out), str(read.out / "report.html")


def _is_refused(report: Report) -> bool:
    return report.facts.get("decision") == "refused"

