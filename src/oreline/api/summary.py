"""One report over all steps of a recipe: one table of results, the steps' pictures, and where everything lies.

It reads what the steps wrote, so that a run that was continued reports like one that was not interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from oreline.recipe import Recipe, Step
from oreline.report import formatting
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
    lines = [
        (step.name, what, value) for step in read.steps for what, value in _lines(step, reports[step.name], read.out)
    ]
    last = next((step.name for step in reversed(read.steps) if step.verb == "evaluate"), None)
    return Report(
        verb="run",
        title=f"{read.name}: {len(read.steps)} steps",
        subject={
            "recipe": read.name,
            "seed": read.seed,
            "out": str(read.out.absolute()),
            **({"estimates_of": last, "split": reports[last].subject.get("split", "")} if last else {}),
        },
        metrics=reports[last].metrics if last else {},
        facts={
            "wall_s": round(wall_s, 1),
            "steps_s": {name: round(value, 1) for name, value in seconds.items()},
            "refused": [step.name for step in read.steps if _is_refused(reports[step.name])],
        },
        tables=[
            Table("Results", ("step", "what", "value"), lines, note="intervals are 95 %"),
            *_worst(reports[last] if last else None),
            Table(
                "Where it lies",
                ("step", "seconds", "page"),
                list(_places(read, seconds)),
                note=f"models and data lie in {read.out}/STEP",
            ),
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
    reasons = [
        f"{rows:,} {reason}" for _, action, reason, rows in _table(report, "What happened") if action == "dropped"
    ]
    yield "rows dropped", f"{facts['rows_dropped']:,}" + (f": {', '.join(reasons)}" if reasons else "")
    yield "rows by split", ", ".join(f"{name} {rows:,}" for name, rows in facts.get("splits", {}).items())
    leaks = facts.get("leaks", {})
    if leaks:
        yield "shared between splits", _leaks(list(leaks.values()))


def _leaks(leaks: Sequence[Mapping[str, Any]]) -> str:
    shared = [f"{sum(leak['same_text'] for leak in leaks)} texts"]
    if any(leak["same_group"] is not None for leak in leaks):
        shared.append(f"{sum(leak['same_group'] or 0 for leak in leaks)} rows by group")
    near, tested = (sum(leak[name] or 0 for leak in leaks) for name in ("near", "near_tested"))
    return ", ".join([*shared, f"{near} near-duplicates of {tested:,} rows tested"])


def _pretrain(report: Report, _: Path) -> Iterator[Line]:
    yield "loss per masked token before, nats", str(report.metrics["loss_before"])
    yield "loss per masked token after, nats", str(report.metrics["loss_after"])


def _finetune(report: Report, folder: Path) -> Iterator[Line]:
    artifact = Artifact.open(folder, verify=False)
    parts = [
        _method(artifact.manifest.recipe["options"]),
        f"{artifact.manifest.data.get('rows', 0):,} rows",
        *(f"{report.facts[name]:,.0f} {unit}" for name, unit in _UNITS.items() if name in report.facts),
        f"{artifact.size_bytes() / 1e6:.1f} MB",
    ]
    yield "method", ", ".join(parts)


def _method(options: Mapping[str, Any]) -> str:
    """Return the name of a method; where it trains an adapter, the adapter's, as users write it."""
    given = options.get("method_options") or {}
    return str(given.get("adapter", "lora") if options["method"] == "adapter" else options["method"])


_UNITS = {"train_s": "s", "rows_per_s": "rows/s"}


def _evaluate(report: Report, _: Path) -> Iterator[Line]:
    split = report.subject.get("split")
    for name, value in list(report.metrics.items())[:1]:
        yield f"{name} on {split}", str(value)
    for table in report.tables:
        if not table.title.startswith("Against the "):
            continue
        other = table.title.removeprefix("Against the ").split(",")[0]
        figure, _mine, theirs, difference = formatting.plain(table.rows[0])
        reached, span = formatting.estimate(theirs)[:2]
        change, low, high = (f"{difference[key]:+.4f}" for key in ("value", "low", "high"))
        yield f"{figure} of the {other}", f"{reached} {span}, difference {change} [{low}, {high}] n={difference['n']}"


def _merge(report: Report, folder: Path) -> Iterator[Line]:
    yield "size", f"{Artifact.open(folder, verify=False).size_bytes() / 1e6:.1f} MB"


def _compress(report: Report, folder: Path) -> Iterator[Line]:
    facts = report.facts
    yield "gate", str(facts["verdict"])
    yield (
        "size, speed",
        f"{facts['size_bytes_before'] / 1e6:.1f} → {facts['size_bytes'] / 1e6:.1f} MB, "
        f"{facts['rows_per_s_before']:,.0f} → {facts['rows_per_s']:,.0f} rows/s",
    )


def _serve(report: Report, _: Path) -> Iterator[Line]:
    facts = report.facts
    yield (
        "requests",
        f"{facts['requests']:,} with {facts['rows']:,} rows, {facts['lost']} lost, {facts['rows_per_s']:,.0f} rows/s",
    )
    for name in ("latency_p50_ms", "latency_p99_ms"):
        low, high = report.metrics[name].low, report.metrics[name].high
        yield name.replace("_", " "), f"{report.metrics[name].value:.1f} [{low:.1f}, {high:.1f}]"


def _monitor(report: Report, _: Path) -> Iterator[Line]:
    values = ", ".join(
        f"{formatting.title(name)} {value.value:.3f} [{value.low:.3f}, {value.high:.3f}]"
        for name, value in report.metrics.items()
    )
    yield "drift", f"{'drift' if report.facts['verdict'] == 'drift' else 'none'} ({values})"


def _update(report: Report, _: Path) -> Iterator[Line]:
    yield "verdict", f"{report.facts['decision']}, {'' if report.facts.get('promoted') else 'not '}promoted"
    yield "why", str(report.facts["verdict"])


def _multitask(report: Report, folder: Path) -> Iterator[Line]:
    yield from _plain(report, folder)
    for row in _table(report, "Gain or harm"):
        name, said, figure, difference, *_ = formatting.plain(row)
        change, low, high = (f"{difference[key]:+.4f}" for key in ("value", "low", "high"))
        yield f"{name}, together minus alone", f"{said}: {figure} {change} [{low}, {high}] n={difference['n']}"


def _plain(report: Report, _: Path) -> Iterator[Line]:
    for name, estimate in report.metrics.items():
        yield name, str(estimate)


_LINES: dict[str, Callable[[Report, Path], Iterator[Line]]] = {
    "refine": _refine,
    "pretrain": _pretrain,
    "finetune": _finetune,
    "multitask": _multitask,
    "evaluate": _evaluate,
    "merge": _merge,
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


def _places(read: Recipe, seconds: Mapping[str, float]) -> Iterator[tuple[str, float, str]]:
    for step in read.steps:
        beside = read.out / REPORTS / f"{step.name}.html"
        page = beside if beside.is_file() else read.out / step.name / "report.html"
        yield step.name, round(seconds.get(step.name, 0.0), 1), str(page)
    yield "all", round(sum(seconds.values()), 1), str(read.out / "report.html")


def _is_refused(report: Report) -> bool:
    return report.facts.get("decision") == "refused"
