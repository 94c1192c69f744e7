"""Answers that are spans of a text: with and without an answer, by length, the most wrong.

Shape suffixes: N rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oreline.evaluate.estimates import estimates
from oreline.evaluate.shown import flagged, worst_rows
from oreline.evaluate.table import Table
from oreline.report.report import Chart
from oreline.report.report import Table as ReportTable
from oreline.words import units

CONTEXT_WORDS = (100, 300, 1000)
"""Bounds of the bands that contexts are shown in, in words (Chinese: characters)."""


class View:
    """A span of its context for each question, or none."""

    def tables(self, table: Table, split: str, seed: int) -> list[ReportTable]:
        """Return figures by kind of question and by length, kinds of mistakes, and the rows that are the most wrong."""
        wrong = np.flatnonzero(~table.right_N)
        credit = [round(float(value), 4) for value in table.credit_N]
        note = f"{len(wrong):,} of {table.num_rows:,} rows are not right; F1 with the nearest true answer"
        order = wrong[np.argsort(table.credit_N[wrong], kind="stable")]
        kinds = ["answerable" if truths else "no answer in the context" for truths in table.targets]
        lengths = _by_length([units(context) for context in (table.columns or {}).get("text_pair", [])])
        answers = np.asarray(table.task.outcomes(table.targets), dtype=object)
        return [
            _by("question", kinds, table, split, seed),
            *([_by("words of the context", lengths, table, split, seed)] if lengths else []),
            _by("true answer", answers.tolist(), table, split, seed),
            _mistakes(table, split),
            worst_rows(table, order, ("F1", credit), f"Rows with the worst answers, split {split!r}", note),
        ]

    def charts(self, table: Table, split: str) -> list[Chart]:
        """Return how long answers are, in truth and by the model."""
        true, given = (Counter(table.task.outcomes(answers)) for answers in (table.targets, table.predicted))
        labels = sorted({*true, *given}, key=_order)
        series = {"true": [true[label] for label in labels], "predicted": [given[label] for label in labels]}
        return [Chart(f"Length of answers, split {split!r}", "bars", {"labels": labels, "series": series})]

    def warnings(self, table: Table, split: str) -> Iterator[str]:
        """Say what cannot be right, and what is not measured."""
        num_none = sum(not truths for truths in table.targets)
        if num_none and table.task.options.get("threshold") is None:
            yield (
                f"{num_none:,} questions of the split {split!r} have no answer, and training had none such: the model "
                "always gives one"
            )
        if table.task.options.get("threshold") is not None and not num_none:
            yield f"every question of the split {split!r} has an answer: questions without one are not measured"


def _by(what: str, values: Sequence[str], table: Table, split: str, seed: int) -> ReportTable:
    """One row for each value: how many questions, exact match, F1, and how many were given an answer."""
    values_N = np.asarray(values, dtype=object)
    rows: list[list[Any]] = []
    counts = []
    for value in sorted(set(values), key=_order):
        chosen = np.flatnonzero(values_N == value)
        part = table.take(chosen)
        found = estimates(part, ("exact_match", "qa_f1"), seed=seed)
        given = sum(bool(answer) for answer in part.predicted)
        rows.append([value, len(chosen), given, found.get("exact_match"), found.get("qa_f1")])
        counts.append(len(chosen))
    columns, rows, flag = flagged((what, "rows", "given an answer", "exact match", "F1"), rows, counts)
    return ReportTable(f"By {what}, split {split!r}", columns, rows, note=f"95 % intervals{flag}")


def _by_length(contexts: Sequence[Sequence[Any]]) -> list[str]:
    """Return the band that each context's length lies in."""
    bounds = [0, *CONTEXT_WORDS]
    bands = np.searchsorted(CONTEXT_WORDS, [len(words) for words in contexts], side="left")
    last = f"over {CONTEXT_WORDS[-1]}"
    return [last if band == len(CONTEXT_WORDS) else f"{bounds[band] + 1} to {bounds[band + 1]}" for band in bands]


def _order(value: str) -> tuple[int, int, str]:
    """Sort bands by their numbers, and words before them by the alphabet."""
    digits = [int(part) for part in value.split() if part.isdigit()]
    return (int(value.startswith("over")), digits[0] if digits else -1, value)


def _mistakes(table: Table, split: str) -> ReportTable:
    """Say what goes wrong, each question counted once."""
    kinds = _kinds(table)
    meaning = {
        "made up": "an answer where there is none",
        "missed": "none where there is an answer",
        "too long": "holds a true answer, and more",
        "too short": "is a part of a true answer",
        "overlaps": "shares characters with a true answer",
        "elsewhere": "has nothing of any true answer",
    }
    counted = Counter(kinds[~table.right_N].tolist())
    rows = [[kind, counted[kind], text] for kind, text in sorted(meaning.items(), key=lambda pair: -counted[pair[0]])]
    return ReportTable(f"Mistakes by kind, split {split!r}", ("kind", "rows", "what it is"), rows)


def _kinds(table: Table) -> NDArray[np.object_]:
    return np.asarray([kind_of_mistake(truths, given) for truths, given in zip(table.targets, table.predicted)], object)


def kind_of_mistake(truths: Sequence[Any], given: Sequence[Any]) -> str:
    """Return how a wrong answer differs from the true ones, by its place in the context.

    >>> from oreline.metrics.answers import Answer
    >>> true, given = Answer("in 1912", 5, 12), Answer("1912", 8, 12)
    >>> kind_of_mistake((true,), (given,)), kind_of_mistake((), (given,))
    ('too short', 'made up')
    """
    if not truths or not given:
        return "missed" if truths else "made up"
    start, end = given[0].start, given[0].end
    if any(start <= true.start and true.end <= end for true in truths):
        return "too long"
    if any(true.start <= start and end <= true.end for true in truths):
        return "too short"
    return "overlaps" if any(start < true.end and true.start < end for true in truths) else "elsewhere"
