"""Answers that are an intent and its slots: what the views of either part show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from oreline import registry
from oreline.evaluate.shown import worst_rows
from oreline.evaluate.table import Table
from oreline.report.report import Chart
from oreline.report.report import Table as ReportTable
from oreline.runtime.windows import ragged


class View:
    """An intent for each row, a tag for each of its words."""

    def tables(self, table: Table, split: str, seed: int) -> list[ReportTable]:
        """Return figures per intent and per slot, kinds of mistakes, and the rows that are the most wrong."""
        intents, slots = parts_of(table)
        wrong = np.flatnonzero(~table.right_N)
        credit = [round(float(value), 4) for value in table.credit_N]
        note = f"{len(wrong):,} of {table.num_rows:,} rows are not right; words are counted from 1"
        order = wrong[np.argsort(table.credit_N[wrong], kind="stable")]
        per_class = registry.create("view", "classes").tables(intents, split, seed)[:1]
        per_slot = registry.create("view", "tags").tables(slots, split, seed)[:2]
        title = f"Rows with the worst frames, split {split!r}"
        return [*per_class, *per_slot, worst_rows(table, order, ("credit", credit), title, note)]

    def charts(self, table: Table, split: str) -> list[Chart]:
        """Return the confusions and the reliability of intents, and the slots in truth and answer."""
        intents, slots = parts_of(table)
        return [
            *registry.create("view", "classes").charts(intents, split),
            *registry.create("view", "tags").charts(slots, split),
        ]

    def warnings(self, table: Table, split: str) -> Iterator[str]:
        """Say what is not measured."""
        intents, slots = parts_of(table)
        if unseen := table.num_rows - intents.num_rows:
            yield f"{unseen:,} rows of the split {split!r} have a label that training never saw: they count as wrong"
        yield from registry.create("view", "classes").warnings(intents, split)
        yield from registry.create("view", "tags").warnings(slots, split)


def parts_of(table: Table) -> tuple[Table, Table]:
    """Return the intents, of the rows whose intent training saw, and the slots, as tables of their own."""
    task: Any = table.task
    first = len(task.slots.labels)
    intents_N = np.asarray([row_W[0] - first for row_W in table.targets], dtype=np.int64)
    seen = np.flatnonzero(intents_N < len(task.classes.labels))
    scores_NI = np.asarray([table.scores[row][0, first:] for row in seen], np.float32)
    intents = Table(
        task.classes,
        intents_N[seen],
        scores_NI.reshape(len(seen), len(task.classes.labels)),
        [table.row_ids[row] for row in seen],
        [table.texts[row] for row in seen],
    )
    slots = Table(
        task.slots,
        ragged([row_W[1:] for row_W in table.targets]),
        ragged([row_WK[1:, :first] for row_WK in table.scores]),
        table.row_ids,
        table.texts,
    )
    return intents, slots
