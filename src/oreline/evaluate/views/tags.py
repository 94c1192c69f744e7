"""Answers that tag every word: per label of entities, kinds of mistakes, rows with the worst tags.

Shape suffixes: N rows, L labels of entities.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from oreline.evaluate.estimates import wilson
from oreline.evaluate.shown import flagged, worst_rows
from oreline.evaluate.table import Table
from oreline.metrics.tags import UNSEEN, Entity, EntityCounts, entity_counts
from oreline.report.report import Chart
from oreline.report.report import Table as ReportTable
from oreline.types import Estimate

MISTAKES = {
    "wrong label": "the same words, another label",
    "wrong words": "the same label on some of the same words",
    "wrong label and words": "another label on some of the same words",
    "missed": "none of its words is in an entity of the answer",
    "made up": "none of its words is in a true entity",
}


class View:
    """A tag for every word of each row."""

    def tables(self, table: Table, split: str, seed: int) -> list[ReportTable]:
        """Return figures per label, the kinds of mistakes, and the rows that are the most wrong."""
        wrong = np.flatnonzero(~table.right_N)
        credit = [round(float(value), 4) for value in table.credit_N]
        note = f"{len(wrong):,} of {table.num_rows:,} rows are not right; words are counted from 1"
        order = wrong[np.argsort(table.credit_N[wrong], kind="stable")]
        worst = worst_rows(table, order, ("credit", credit), f"Rows with the worst tags, split {split!r}", note)
        return [_per_label(entity_counts(table), split), _mistakes(table, split), worst]

    def charts(self, table: Table, split: str) -> list[Chart]:
        """Return how many entities of each label there are, in truth and by the model."""
        counts = entity_counts(table)
        series = {
            "true": counts.true_NL.sum(axis=0).astype(int).tolist(),
            "predicted": counts.predicted_NL.sum(axis=0).astype(int).tolist(),
        }
        title = f"Entities of each label, split {split!r}"
        return [Chart(title, "bars", {"labels": list(counts.labels), "series": series})]

    def warnings(self, table: Table, split: str) -> Iterator[str]:
        """Say which labels have no entity."""
        counts = entity_counts(table)
        if counts.labels[-1] == UNSEEN:
            unseen = int(counts.true_NL[:, -1].sum())
            yield f"{unseen:,} entities of the split {split!r} have a tag that training never saw: they count as missed"
        if absent := [label for label, count in zip(counts.labels, counts.true_NL.sum(axis=0)) if not count]:
            shown = ", ".join(absent[:5]) + (", …" if len(absent) > 5 else "")
            yield f"no entity of the split {split!r} has the label {shown}: nothing is measured there"


def _per_label(counts: EntityCounts, split: str) -> ReportTable:
    """One row for each label, the weakest first. Precision and recall are shares of entities: Wilson's intervals."""
    true_L, given_L, both_L = (
        counts_NL.sum(axis=0).astype(int) for counts_NL in (counts.true_NL, counts.predicted_NL, counts.correct_NL)
    )
    seen_L = true_L + given_L
    f1_L = np.where(seen_L > 0, 2 * both_L / np.maximum(seen_L, 1), np.inf)  # of no entity: shown last, as a dash
    order = np.argsort(f1_L, kind="stable")
    columns, rows, flag = flagged(
        ("label", "precision", "recall", "F1"),
        [
            [
                counts.labels[label],
                _share(int(both_L[label]), int(given_L[label])),
                _share(int(both_L[label]), int(true_L[label])),
                round(float(f1_L[label]), 4) if seen_L[label] else None,
            ]
            for label in order
        ],
        [int(true_L[label]) for label in order],
    )
    note = (
        "95 % intervals (Wilson); lowest F1 first; n: entities given the label (precision), having it (recall); "
        f"a dash where there are none{flag}"
    )
    return ReportTable(f"Per label, split {split!r}", columns, rows, note=note)


def _mistakes(table: Table, split: str) -> ReportTable:
    """Say what goes wrong: each true entity that was not found and each answer that is not true, counted once."""
    task: Any = table.task
    counted: Counter[str] = Counter()
    for true_W, predicted_W in zip(table.targets, table.predicted):
        counted.update(kinds_of_mistakes(task.entities(true_W), task.entities(predicted_W)))
    rows = [[kind, counted[kind], MISTAKES[kind]] for kind in sorted(MISTAKES, key=lambda kind: -counted[kind])]
    return ReportTable(f"Mistakes by kind, split {split!r}", ("kind", "entities", "what it is"), rows)


def kinds_of_mistakes(true: Sequence[Entity], predicted: Sequence[Entity]) -> list[str]:
    """Return the kind of each mistake of a row.

    >>> kinds_of_mistakes([Entity(0, 2, "PER"), Entity(4, 5, "LOC")], [Entity(0, 1, "PER"), Entity(4, 5, "ORG")])
    ['wrong words', 'wrong label']
    """
    wrong = [entity for entity in predicted if entity not in true]
    found = []
    for entity in wrong:
        touched = [other for other in true if entity.start < other.end and other.start < entity.end]
        if any((other.start, other.end) == (entity.start, entity.end) for other in touched):
            found.append("wrong label")
        elif any(other.label == entity.label for other in touched):
            found.append("wrong words")
        else:
            found.append("wrong label and words" if touched else "made up")
    missed = [
        entity
        for entity in true
        if not any(entity.start < other.end and other.start < entity.end for other in predicted)
    ]
    return [*found, *["missed"] * len(missed)]


def _share(count: int, n: int) -> Estimate | None:
    return Estimate(count / n, *wilson(count / n, n), n) if n else None
