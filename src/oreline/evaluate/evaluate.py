"""Evaluate: a model on a split, every figure with its interval and rows, as a report.

Shape suffixes: N rows, K classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline import registry
from oreline.errors import DataError, UsageError, did_you_mean
from oreline.evaluate.compare import is_all_or_nothing, mcnemar, metrics_of, paired_differences
from oreline.evaluate.estimates import estimates
from oreline.evaluate.shown import TINY_ROWS, flagged, shorten
from oreline.evaluate.table import Table, aligned, predict_table
from oreline.report.report import Report
from oreline.report.report import Table as ReportTable

if TYPE_CHECKING:
    from oreline.data.dataset import Dataset
    from oreline.types import Runtime, Task

MAX_SLICES = 20
"""Values of one column that are shown, those with the most rows first."""
MAX_SLICE_NAME = 60


def evaluate(
    runtime: Runtime,
    data: Dataset,
    *,
    split: str = "test",
    slices: Sequence[str] = (),
    metrics: Sequence[str] = (),
    compare: Runtime | None = None,
    baseline: Runtime | None = None,
    seed: int = 0,
) -> Report:
    """Measure a model on a split.

    All figures are computed from one table of true classes and probabilities, so no two of them can contradict each
    other. Rows that the model was trained on are left out and counted.

    Args:
        runtime: the model.
        data: the dataset.
        split: its split.
        slices: columns whose values are looked at one by one.
        metrics: names of metric plugs to measure beside the task's own.
        compare: another model, to be compared on the same rows.
        baseline: a simple model (character n-grams), to show what the simplest thing reaches on the same rows; left
            out with a warning where it cannot be measured there, being trained on all of them.
        seed: of the bootstrap.

    Raises:
        UsageError: a metric that measures another kind of answers.
        DataError: an unknown split or column, a label that the model was not trained on, or no row is left.
    """
    table = predict_table(runtime, data, split, slices=slices)
    names = with_asked(table.task, metrics)
    others, unfit = {}, []
    for name, other in (("baseline", baseline), ("compared model", compare)):
        if other is None:
            continue
        try:
            others[name] = other, predict_table(other, data, split, slices=slices)
        except DataError as error:
            if name != "baseline":
                raise
            unfit.append(f"no baseline stands beside these figures: {error.what}")
    view = registry.create("view", table.task.view)
    warnings = [*_warnings(table, split), *view.warnings(table, split), *unfit]
    common = table
    for name, (_, theirs) in others.items():
        common = aligned(common, theirs)[0]
        if common.num_rows < table.num_rows:
            warnings.append(
                f"all figures are of the {common.num_rows:,} rows that the {name} was not trained on either"
            )
    found = estimates(common, names, seed=seed)
    tables = [
        *(_comparison(name, common, theirs, names, split, seed) for name, (_, theirs) in others.items()),
        *(_by_slice(common, name, table.task.metrics[0], split, seed) for name in slices),
        *view.tables(common, split, seed),
    ]
    return Report(
        verb="evaluate",
        title=f"Evaluation on the split {split!r}",
        subject=_subject(runtime, data, split, common),
        metrics=found,
        facts=_facts(table, common),
        tables=tables,
        charts=view.charts(common, split),
        warnings=warnings,
    )


def refuse_unfit_metrics(task: Task, asked: Sequence[str]) -> None:
    """Raise as `with_asked` before a row is read, where the rows do not decide what the task is judged by."""
    if not hasattr(task, "judged"):
        with_asked(task, asked)


def with_asked(task: Task, asked: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a task's metrics and of those that were asked for, each once.

    Raises `UsageError` for one that there is not, or that measures another kind of answers than the task's.
    """
    names = tuple(dict.fromkeys([*task.metrics, *asked]))
    known = {*task.metrics, *metrics_of(task.view)}
    if unfit := next((name for name in names if name not in known), None):
        registry.get("metric", unfit)
        raise UsageError(
            f"the metric {unfit!r} does not measure answers of this kind ({task.view})",
            allowed=did_you_mean(unfit, known),
        )
    return names


def _subject(runtime: Runtime, data: Dataset, split: str, table: Table) -> dict[str, Any]:
    return {
        "model": runtime.artifact.id,
        "model_path": str(runtime.artifact.path),
        "runtime": runtime.artifact.manifest.runtime,
        "precision": runtime.precision,
        "dataset": data.fingerprint,
        "dataset_path": str(data.path),
        "split": split,
        "rows": table.num_rows,
    }


def _facts(predicted: Table, shown: Table) -> dict[str, Any]:
    return {
        "rows": shown.num_rows,
        "rows_refused_as_trained_on": predicted.num_refused,
        "rows_without_label": predicted.num_unlabeled,
        "rows_truncated": predicted.num_truncated,
        "rows_per_s": round(predicted.num_rows / max(predicted.seconds, 1e-9), 1),
    }


def _warnings(table: Table, split: str) -> Iterator[str]:
    if table.num_refused:
        yield (
            f"{table.num_refused:,} rows of the split {split!r} were left out: the model was trained on them "
            "(same text after folding of case, width and white space)"
        )
    if table.num_unlabeled:
        yield f"{table.num_unlabeled:,} rows of the split {split!r} have no label and were left out"
    if table.num_truncated:
        of_rows = f" of {table.num_rows:,}" if table.answers is None else ""  # found texts are no rows
        yield f"{table.num_truncated:,}{of_rows} texts are longer than the model reads and were cut"
    widening = group_widening(table)
    if widening > 1.1:
        yield (
            "rows of one group tend to be right or wrong together, but the intervals treat rows as independent: "
            f"for groups not seen here they would be about {widening:.1f} times as wide"
        )
    if table.num_rows < TINY_ROWS:
        yield f"the split {split!r} has only {table.num_rows} row{'s' * (table.num_rows != 1)}: the intervals are wide"


def group_widening(table: Table) -> float:
    """Return how many times wider the interval of accuracy is when groups, not rows, are drawn; 1 without groups.

    The square root of the design effect: the variance of accuracy as a ratio of sums over groups, by that of N
    independent rows, `sum_g (right_g - accuracy n_g)² G / (G - 1) / (N accuracy (1 - accuracy))`.

    Source: Rao & Scott, A Simple Method for the Analysis of Clustered Binary Data, Biometrics 48, 1992.
    """
    if table.groups is None or not is_all_or_nothing(table):
        return 1.0
    names, codes_N = np.unique(np.asarray(table.groups, dtype=object), return_inverse=True)
    accuracy = float(table.right_N.mean())
    if len(names) < 2 or accuracy in (0.0, 1.0):
        return 1.0
    surplus_G = np.bincount(codes_N, weights=table.right_N - accuracy)
    effect = (surplus_G**2).sum() * len(names) / (len(names) - 1) / (table.num_rows * accuracy * (1 - accuracy))
    return float(np.sqrt(effect))


def _by_slice(table: Table, column: str, first_metric: str, split: str, seed: int) -> ReportTable:
    values_N = np.asarray(table.slices[column], dtype=object)
    names = [first_metric, *(["f1"] if table.task.view == "classes" else [])]
    largest = sorted(Counter(table.slices[column]).items(), key=lambda pair: (-pair[1], pair[0]))
    rows: list[list[Any]] = []
    shown: list[str] = []
    for value, count in largest[:MAX_SLICES]:
        found = estimates(table.take(np.flatnonzero(values_N == value)), names, seed=seed)
        shown = shown or [name for name in found if name in {first_metric, "macro_f1"}]
        rows.append([shorten(value, MAX_SLICE_NAME), count, *(found.get(name) for name in shown)])
    left = largest[MAX_SLICES:]
    more = f"; {len(left):,} more values with {sum(count for _, count in left):,} rows are not shown" if left else ""
    columns, rows, flag = flagged((column, "rows", *shown), rows, [count for _, count in largest[:MAX_SLICES]])
    return ReportTable(f"By {column}, split {split!r}", columns, rows, note=f"95 % intervals{more}{flag}")


def _comparison(
    name: str, table: Table, theirs: Table, metric_names: Sequence[str], split: str, seed: int
) -> ReportTable:
    ours, theirs = aligned(table, theirs)
    mine, other = (estimates(each, metric_names, seed=seed) for each in (ours, theirs))
    differences = paired_differences(theirs, ours, metric_names, seed=seed)
    exact = ""
    if is_all_or_nothing(ours) and is_all_or_nothing(theirs):
        exact = f"; exact McNemar test of equal accuracy: p = {mcnemar(theirs, ours):.3g}"
    return ReportTable(
        f"Against the {name}, split {split!r}",
        ("figure", "this model", name, "difference"),
        [[figure, mine.get(figure), other.get(figure), difference] for figure, difference in differences.items()],
        note=f"95 % intervals, those of the differences paired by row{exact}",
    )
