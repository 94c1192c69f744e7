"""Evaluate: a model on a split, every figure with its interval and rows, as a report.

Shape suffixes: N rows, K classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline.evaluate.compare import mcnemar, paired_differences
from oreline.evaluate.estimates import estimates, wilson
from oreline.evaluate.table import Table, aligned, predict_table, predicted_labels, true_labels
from oreline.metrics.ece import reliability
from oreline.report.report import Chart, Report
from oreline.report.report import Table as ReportTable
from oreline.types import Estimate

if TYPE_CHECKING:
    from oreline.data.dataset import Dataset
    from oreline.types import Runtime

TINY_ROWS = 30
"""A slice or class with fewer rows is marked: its interval is too wide to act on."""
MAX_SLICES = 20
"""Values of one column that are shown, those with the most rows first."""
MAX_MATRIX_CLASSES = 150
"""Classes in the picture; beyond this its cells cannot be told apart, and those with the most mistakes are drawn."""
MAX_CONFUSIONS = 10
MAX_WORST = 20
MAX_TEXT = 200
MAX_SLICE_NAME = 60


def evaluate(
    runtime: Runtime,
    data: Dataset,
    *,
    split: str = "test",
    slices: Sequence[str] = (),
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
        compare: another model, to be compared on the same rows.
        baseline: a simple model (character n-grams), to show what the simplest thing reaches on the same rows.
        seed: of the bootstrap.

    Raises:
        DataError: an unknown split or column, a label that the model was not trained on, or no row is left.
    """
    table = predict_table(runtime, data, split, slices=slices)
    others = {
        name: (other, predict_table(other, data, split, slices=slices))
        for name, other in (("baseline", baseline), ("compared model", compare))
        if other is not None
    }
    warnings = list(_warnings(table, split))
    common = table
    for name, (_, theirs) in others.items():
        common = aligned(common, theirs)[0]
        if common.num_rows < table.num_rows:
            warnings.append(
                f"all figures are of the {common.num_rows:,} rows that the {name} was not trained on either"
            )
    metrics = estimates(common, runtime.task.metrics, seed=seed)
    tables = [
        *(_comparison(name, common, theirs, runtime.task.metrics, split, seed) for name, (_, theirs) in others.items()),
        _per_class(common, split, seed),
        *(_by_slice(common, name, runtime.task.metrics[0], split, seed) for name in slices),
        _worst_errors(common, split),
        _confusions(common, split),
    ]
    return Report(
        verb="evaluate",
        title=f"Evaluation on the split {split!r}",
        subject=_subject(runtime, data, split, common),
        metrics=metrics,
        facts=_facts(table, common),
        tables=tables,
        charts=[_confusion_matrix(common, split), _reliability(common, split)],
        warnings=warnings,
    )


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
        yield f"{table.num_truncated:,} of {table.num_rows:,} texts are longer than the model reads and were cut"
    counts_K = np.bincount(table.targets_N, minlength=len(table.labels))
    if absent := [label for label, count in zip(table.labels, counts_K) if not count]:
        shown = ", ".join(absent[:5]) + (", …" if len(absent) > 5 else "")
        yield f"no row of the split {split!r} has the label {shown}: nothing is measured there"
    widening = group_widening(table)
    if widening > 1.1:
        yield (
            "rows of one group tend to be right or wrong together, but the intervals treat rows as independent: "
            f"for groups not seen here they would be about {widening:.1f} times as wide"
        )
    if table.num_rows < TINY_ROWS:
        yield f"the split {split!r} has only {table.num_rows} rows: the intervals are wide"


def group_widening(table: Table) -> float:
    """Return how many times wider the interval of accuracy is when groups, not rows, are drawn; 1 without groups.

    The square root of the design effect: the variance of accuracy as a ratio of sums over groups, by that of N
    independent rows, `sum_g (right_g - accuracy n_g)² G / (G - 1) / (N accuracy (1 - accuracy))`.

    Source: Rao & Scott, A Simple Method for the Analysis of Clustered Binary Data, Biometrics 48, 1992.
    """
    if table.groups is None:
        return 1.0
    names, codes_N = np.unique(np.asarray(table.groups, dtype=object), return_inverse=True)
    accuracy = float(table.right_N.mean())
    if len(names) < 2 or accuracy in (0.0, 1.0):
        return 1.0
    surplus_G = np.bincount(codes_N, weights=table.right_N - accuracy)
    effect = (surplus_G**2).sum() * len(names) / (len(names) - 1) / (table.num_rows * accuracy * (1 - accuracy))
    return float(np.sqrt(effect))


def _per_class(table: Table, split: str, seed: int) -> ReportTable:
    """One row for each class, the weakest first: of 150 classes, those are the ones to look at."""
    found = estimates(table, ["per_class"], seed=seed)
    counts_K = np.bincount(table.targets_N, minlength=len(table.labels))
    scores_K = [found.get(f"f1_{label}") for label in table.labels]
    order = sorted(range(len(scores_K)), key=lambda k: np.inf if (score := scores_K[k]) is None else score.value)
    columns, rows, flag = _flagged(
        ("label", "precision", "recall", "F1"),
        [
            [
                table.labels[k],
                *(found.get(f"{name}_{table.labels[k]}") for name in ("precision", "recall")),
                scores_K[k],
            ]
            for k in order
        ],
        [int(counts_K[k]) for k in order],
    )
    return ReportTable(
        f"Per class, split {split!r}",
        columns,
        rows,
        note="95 % intervals; lowest F1 first; n: rows predicted as the class (precision), having it (recall), either "
        f"(F1); a dash where there are none{flag}",
    )


def _by_slice(table: Table, column: str, first_metric: str, split: str, seed: int) -> ReportTable:
    values_N = np.asarray(table.slices[column], dtype=object)
    largest = sorted(Counter(table.slices[column]).items(), key=lambda pair: (-pair[1], pair[0]))
    rows: list[list[Any]] = []
    shown: list[str] = []
    for value, count in largest[:MAX_SLICES]:
        found = estimates(table.take(np.flatnonzero(values_N == value)), [first_metric, "f1"], seed=seed)
        shown = shown or [name for name in found if name == first_metric or name == "macro_f1"]
        rows.append([shorten(value, MAX_SLICE_NAME), count, *(found.get(name) for name in shown)])
    left = largest[MAX_SLICES:]
    more = f"; {len(left):,} more values with {sum(count for _, count in left):,} rows are not shown" if left else ""
    columns, rows, flag = _flagged((column, "rows", *shown), rows, [count for _, count in largest[:MAX_SLICES]])
    return ReportTable(f"By {column}, split {split!r}", columns, rows, note=f"95 % intervals{more}{flag}")


def _flagged(
    columns: Sequence[str], rows: list[list[Any]], counts: Sequence[int]
) -> tuple[Sequence[str], list[list[Any]], str]:
    """Add a column that marks small counts, and its explanation; neither where there is nothing to mark."""
    if all(count >= TINY_ROWS for count in counts):
        return columns, rows, ""
    marked = [[*row, "few" if count < TINY_ROWS else ""] for row, count in zip(rows, counts)]
    return (*columns, ""), marked, f"; few: under {TINY_ROWS} rows, too few to act on"


def _comparison(
    name: str, table: Table, theirs: Table, metric_names: Sequence[str], split: str, seed: int
) -> ReportTable:
    ours, theirs = aligned(table, theirs)
    mine, other = (estimates(each, metric_names, seed=seed) for each in (ours, theirs))
    differences = paired_differences(theirs, ours, metric_names, seed=seed)
    return ReportTable(
        f"Against the {name}, split {split!r}",
        ("figure", "this model", name, "difference"),
        [[figure, mine.get(figure), other.get(figure), difference] for figure, difference in differences.items()],
        note="95 % intervals, those of the differences paired by row; "
        f"exact McNemar test of equal accuracy: p = {mcnemar(theirs, ours):.3g}",
    )


def _worst_errors(table: Table, split: str) -> ReportTable:
    wrong = np.flatnonzero(~table.right_N)
    confidence_N = table.scores_NK[np.arange(table.num_rows), table.predicted_N]
    worst = wrong[np.argsort(-confidence_N[wrong], kind="stable")][:MAX_WORST]
    true, predicted = true_labels(table), predicted_labels(table)
    return ReportTable(
        f"Most confident mistakes, split {split!r}",
        ("row_id", "text", "true", "predicted", "confidence"),
        [
            [table.row_ids[row], shorten(table.texts[row]), true[row], predicted[row], _round(float(confidence_N[row]))]
            for row in worst
        ],
        note=f"{len(wrong):,} of {table.num_rows:,} rows are wrong; some of these may be wrong labels",
    )


def _confusions(table: Table, split: str) -> ReportTable:
    matrix_KK = confusion(table)
    rows_K = matrix_KK.sum(axis=1)
    np.fill_diagonal(matrix_KK, 0)
    order = np.argsort(-matrix_KK, axis=None, kind="stable")[:MAX_CONFUSIONS]
    pairs = [(int(place // len(table.labels)), int(place % len(table.labels))) for place in order]
    return ReportTable(
        f"Most frequent confusions, split {split!r}",
        ("true", "predicted", "rows", "share of the true class"),
        [
            [table.labels[t], table.labels[p], int(matrix_KK[t, p]), _share(int(matrix_KK[t, p]), int(rows_K[t]))]
            for t, p in pairs
            if matrix_KK[t, p]
        ],
        note="n: rows of the true class; 95 % intervals (Wilson)",
    )


def _share(count: int, n: int) -> Estimate:
    return Estimate(count / n, *wilson(count / n, n), n)


def confusion(table: Table) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the confusion matrix of shape (K, K): rows are true, columns predicted."""
    num_classes = len(table.labels)
    cells = np.bincount(table.targets_N * num_classes + table.predicted_N, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes)


def _confusion_matrix(table: Table, split: str) -> Chart:
    matrix_KK = confusion(table)
    shown, note = np.arange(len(table.labels)), f"n = {table.num_rows:,} rows"
    if len(shown) > MAX_MATRIX_CLASSES:
        mistakes_K = matrix_KK.sum(axis=0) + matrix_KK.sum(axis=1) - 2 * matrix_KK.diagonal()
        shown = np.sort(np.argsort(-mistakes_K, kind="stable")[:MAX_MATRIX_CLASSES])
        drawn = int(matrix_KK[np.ix_(shown, shown)].sum())
        note = (
            f"the {MAX_MATRIX_CLASSES} of {len(table.labels)} classes with the most mistakes: "
            f"{drawn:,} of the n = {table.num_rows:,} rows"
        )
    return Chart(
        f"Confusion matrix, split {split!r}",
        "matrix",
        {"labels": [table.labels[k] for k in shown], "values": matrix_KK[np.ix_(shown, shown)].tolist()},
        note=note,
    )


def _reliability(table: Table, split: str) -> Chart:
    return Chart(
        f"Reliability: confidence and accuracy, split {split!r}",
        "reliability",
        reliability(table),
        note=f"n = {table.num_rows:,} rows; on the diagonal, confidence equals the share of answers that are right; "
        "bins without rows are left out",
    )


def shorten(text: str, max_chars: int = MAX_TEXT) -> str:
    """Cut a text for a table, on one line.

    >>> shorten("one  two\\nthree", max_chars=9)
    'one two …'
    """
    line = " ".join(text[: 4 * max_chars].split())
    return line if len(line) <= max_chars and len(text) <= 4 * max_chars else line[: max_chars - 1].rstrip() + " …"


def _round(value: float) -> float:
    return round(value, 4)
