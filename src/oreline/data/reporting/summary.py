"""What refine reports: rows in and out with reasons, classes, lengths, leaks, and what deserves a warning."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.input.fusion import Fusion
from oreline.data.ledger import OTHER_SOURCES, Ledger
from oreline.data.reporting.leaks import Leak, leak_facts, leak_tables, leak_warnings
from oreline.data.reporting.sample import RowSample
from oreline.errors import amount
from oreline.report.report import Chart, Report, Table

MAX_CLASSES_SHOWN = 150
MAX_CLASSES = 100_000
"""With more labels than this, which are ids or free texts, they are not counted one by one any more."""
_MAX_LABEL_CHARACTERS = 16 << 20
"""Likewise, of all labels together."""
_MAX_CHARACTERS = 20_000
_NUM_BINS = 24
SAMPLED = 10_000
"""Rows of which more is looked at than can be counted of all; the report's languages are those of the first of them."""


@dataclass
class Account:
    """What a report says beside the counts of rows."""

    tables: list[Table] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class Tally:
    """Counts what the splits hold while they are written."""

    def __init__(self, *, sampled: int = SAMPLED) -> None:
        self.rows: Counter[str] = Counter()
        self.classes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """Rows of each label, by split; empty where the labels are too many."""
        self.more_classes_than = 0
        """How many labels there are at least, where they are too many; otherwise 0."""
        self.num_labelled = 0
        """Rows with a label."""
        self._names: dict[str, str] = {}
        """Each label once, for the counts of all splits."""
        self._num_characters = 0
        self.sample = RowSample(sampled)
        self._lengths: dict[str, NDArray[np.int64]] = {}

    def add(self, split: str, frame: pl.DataFrame) -> None:
        """Count the rows of a frame that goes into a split."""
        self.rows[split] += frame.height
        self.sample.add(split, frame)
        if "label" in frame.columns:
            self.num_labelled += frame.height - frame["label"].null_count()
            if not self.more_classes_than:
                self._count(split, frame["label"].drop_nulls().value_counts().iter_rows())
        if "text" in frame.columns:
            lengths = frame["text"].str.len_chars().clip(upper_bound=_MAX_CHARACTERS).to_numpy()
            counts = np.bincount(lengths, minlength=_MAX_CHARACTERS + 1)
            self._lengths[split] = self._lengths.get(split, 0) + counts

    def _count(self, split: str, counts: Iterable[tuple[str, int]]) -> None:
        """Count the rows of some labels, unless there are too many of them."""
        for label, rows in counts:
            if label not in self._names:
                self._num_characters += len(label)
            self.classes[split][self._names.setdefault(label, label)] += rows
        if len(self._names) > MAX_CLASSES or self._num_characters > _MAX_LABEL_CHARACTERS:
            self._give_up(max(min(len(self._names) - 1, MAX_CLASSES), 1))

    def _give_up(self, more_than: int) -> None:
        self.more_classes_than = max(self.more_classes_than, more_than)
        self.classes.clear()
        self._names.clear()

    @property
    def num_classes(self) -> str | int:
        """How many labels there are, or that they are more than so many; for tables and sentences."""
        return f"more than {self.more_classes_than:,}" if self.more_classes_than else len(self.labels)

    @property
    def labels(self) -> list[str]:
        """All labels, the most frequent first."""
        total: Counter[str] = Counter()
        for counts in self.classes.values():
            total.update(counts)
        return sorted(total, key=lambda label: (-total[label], label))

    def length_histogram(self) -> dict[str, Any]:
        """Return edges (characters) and counts for each split; the last bin holds everything longer."""
        total = sum(self._lengths.values())
        longest = int(np.searchsorted(np.cumsum(total), 0.99 * np.sum(total))) + 1
        width = max(1, -(-longest // _NUM_BINS))
        edges = np.arange(0, width * (_NUM_BINS + 1), width)
        series = {}
        for split, counts in self._lengths.items():
            binned = np.add.reduceat(counts, np.minimum(edges[:-1], _MAX_CHARACTERS))
            series[split] = binned.tolist()
        return {"edges": edges.tolist(), "series": series}

    def lengths(self) -> NDArray[np.int64]:
        """Return how many texts have each number of characters, from 0; the last entry holds all longer ones."""
        return np.asarray(sum(self._lengths.values(), np.zeros(_MAX_CHARACTERS + 1, np.int64)))

    def all_classes(self) -> Counter[str]:
        """Return the rows of each label, over all splits."""
        return sum(self.classes.values(), Counter())

    def to_json(self) -> dict[str, Any]:
        """Return all counts, JSON-ready; the sample is not among them."""
        return {
            "rows": dict(self.rows),
            "classes": {split: dict(counts) for split, counts in self.classes.items()},
            "more_classes_than": self.more_classes_than,
            "num_labelled": self.num_labelled,
            "lengths": {
                split: [np.flatnonzero(counts).tolist(), counts[counts > 0].tolist()]
                for split, counts in self._lengths.items()
            },
        }

    def take(self, told: Mapping[str, Any]) -> None:
        """Add the counts that another one's `to_json` told."""
        self.rows.update(told["rows"])
        self.num_labelled += told["num_labelled"]
        if told["more_classes_than"]:
            self._give_up(told["more_classes_than"])
        for split, counts in told["classes"].items():
            if not self.more_classes_than:
                self._count(split, counts.items())
        for split, (lengths, counts) in told["lengths"].items():
            total = self._lengths.setdefault(split, np.zeros(_MAX_CHARACTERS + 1, np.int64))
            total[lengths] += counts

    @property
    def has_lengths(self) -> bool:
        """Whether there was text to measure."""
        return bool(self._lengths)


def refine_report(
    ledger: Ledger,
    counts: Mapping[str, int],
    tally: Tally,
    leaks: Sequence[Leak],
    *,
    subject: Mapping[str, Any],
    account: Account | None = None,
) -> Report:
    """Return the report of one refine; an account of before and after comes behind its own tables and charts."""
    more = account or Account()
    tables = [_reasons(ledger), *_found(ledger), _by_source(ledger), _splits(tally)]
    charts = []
    if tally.classes:
        charts.append(_class_chart(tally))
    if tally.has_lengths:
        lengths = tally.length_histogram()
        note = f"The last bar holds all texts of {lengths['edges'][-2]:,} characters and more."
        charts.append(Chart("Length of the texts", "histogram", {**lengths, "x_label": "characters"}, note))
    facts = {
        **counts,
        "rows_changed": ledger.total("changed"),
        "rows_flagged": ledger.total("flagged"),
        "num_classes": tally.more_classes_than or len(tally.labels),
        **({"more_classes_than": tally.more_classes_than} if tally.more_classes_than else {}),
        "splits": dict(tally.rows),
        "found": {operator: dict(counts) for operator, counts in ledger.found.items()},
        "leaks": leak_facts(leaks),
        **more.facts,
    }
    return Report(
        verb="refine",
        title=f"{counts['rows_in']:,} rows in, {counts['rows_out']:,} out",
        subject=subject,
        facts=facts,
        tables=[*tables, *(leak_tables(leaks) if leaks else []), *more.tables],
        charts=[*charts, *more.charts],
        warnings=[*ledger.alarms, *more.warnings, *class_warnings(tally), *leak_warnings(leaks)],
    )


def with_sources(report: Report, fusion: Fusion, notes: Sequence[str]) -> Report:
    """Return a report that also says what the sources share, and what of them could not be read."""
    return replace(
        report,
        facts={**report.facts, **({"notes": list(notes)} if notes else {})},
        tables=[*report.tables, *fusion.tables()],
        warnings=[*notes, *report.warnings, *fusion.warnings()],
    )


def class_warnings(tally: Tally) -> list[str]:
    """Say what about the classes will make training or measuring hard."""
    found = [f"the split {split!r} is empty" for split, rows in tally.rows.items() if not rows]
    labels, num_rows = tally.labels, tally.num_labelled
    if not labels and not tally.more_classes_than:
        return found
    total = tally.all_classes()
    if len(labels) == 1:
        found.append(f"there is only one class, {labels[0]!r}: a classifier has nothing to tell apart")
    elif tally.more_classes_than or len(labels) > max(2, num_rows // 2):
        classes = tally.num_classes
        many = f"{classes:,}" if isinstance(classes, int) else classes
        found.append(f"{many} classes for {num_rows:,} rows: is the label column an id or a free text?")
    else:
        tiny = [label for label in labels if total[label] < 10]
        if tiny:
            named = ", ".join(f"{label} ({total[label]})" for label in tiny[:5])
            have = amount(len(tiny), "class has", "classes have")
            found.append(f"{have} fewer than 10 rows: {named}{', …' if len(tiny) > 5 else ''}")
        most, least = labels[0], labels[-1]
        if total[most] >= 10 * total[least]:
            ratio = total[most] / total[least]
            found.append(f"classes are unequal: {most} has {ratio:.0f} times the rows of {least}; try balanced weights")
    found.extend(_unseen(tally))
    return found


def _unseen(tally: Tally) -> list[str]:
    if "train" not in tally.classes:
        return []
    known = set(tally.classes["train"])
    found = []
    for split, counts in tally.classes.items():
        if unseen := sorted(set(counts) - known):
            found.append(
                f"{split} has labels that train lacks: {', '.join(unseen[:5])}{', …' if len(unseen) > 5 else ''}"
            )
    return found


def _reasons(ledger: Ledger) -> Table:
    turns = {step: turn for turn, step in enumerate(dict.fromkeys((name, done) for name, done, _ in ledger.reasons))}
    counted = sorted(ledger.reasons.items(), key=lambda found: (turns[found[0][:2]], -found[1]))
    rows = [[operator, action, reason, number] for (operator, action, reason), number in counted]
    note = "Every row stands in the ledger." if rows else "No row was dropped, changed, flagged or added."
    return Table("What happened to rows", ["operator", "action", "reason", "rows"], rows, note)


def _found(ledger: Ledger) -> list[Table]:
    rows = [[operator, what, number] for operator, counts in ledger.found.items() for what, number in counts.items()]
    tables = [Table("What operators found", ["operator", "what", "number"], rows)] if rows else []
    if ledger.examples:
        columns = ["operator", "row", "gave way to", "similarity", "its text", "the other text"]
        tables.append(
            Table("Rows that gave way to others", columns, ledger.examples, "Some of them; all are in the ledger.")
        )
    return tables


def _by_source(ledger: Ledger) -> Table:
    adds = bool(ledger.added_of)
    rows = []
    for name, came_in in sorted(ledger.rows_in.items(), key=lambda counted: counted[0] == OTHER_SOURCES):
        added, dropped = ledger.added_of[name], ledger.dropped_of[name]
        rows.append([name, came_in, *([added] if adds else []), dropped, came_in + added - dropped])
    return Table("Rows by source", ["source", "in", *(["added"] if adds else []), "dropped", "out"], rows)


def _splits(tally: Tally) -> Table:
    labels = tally.labels
    rows = [[label, *(tally.classes.get(split, Counter())[label] for split in tally.rows)] for label in labels]
    whole = ["all", *tally.rows.values()]
    return Table("Rows by class and split", ["class", *tally.rows], [*rows, whole] if rows else [whole])


def _class_chart(tally: Tally) -> Chart:
    shown = tally.labels[:MAX_CLASSES_SHOWN]
    series = {split: [tally.classes[split][label] for label in shown] for split in tally.rows}
    more = len(tally.labels) - len(shown)
    return Chart("Class balance", "bars", {"labels": shown, "series": series}, f"{more} more classes" if more else "")
