"""Counts of what was added and refused, and examples, as the report shows them."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from oreline.data.augment.differences import CLOSE, OPEN, side_by_side
from oreline.report.report import Table
from oreline.words import words_of

_SHOWN_CLASSES = 30
_SHOWN_CHARACTERS = 160
_EXAMPLES = 2
"""Of each thing that was done."""
_MARKS = f"{OPEN} {CLOSE} hold what differs; a long text is cut around the first difference."


class Accounts:
    """Counts while rows are made."""

    def __init__(self) -> None:
        self._added: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._examples: dict[str, list[tuple[str, str, str]]] = {}
        self._rows = self._barren = 0
        self.notes: list[str] = []
        """Sentences for the report's warnings."""

    def seen(self, rows: int, barren: int) -> None:
        """Count rows that variants were asked of, and those of which none stands."""
        self._rows += rows
        self._barren += barren

    def added(self, label: str | None, how: str, before: str, after: str) -> None:
        """Count a row that is added."""
        self._added["" if label is None else label] += 1
        shown = self._examples.setdefault(how, [])
        if len(shown) < _EXAMPLES and all(before != other for _, other, _ in shown):
            shown.append((how, before, after))

    def refused(self, reason: str, variants: int = 1) -> None:
        """Count variants that are refused."""
        self._refused[reason] += variants

    def findings(self, name: str, times: int) -> dict[str, Any]:
        """Return counts and tables in the form that the ledger notes."""
        rows: list[list[Any]] = [
            [label or "(none)", number] for label, number in self._added.most_common(_SHOWN_CLASSES)
        ]
        if more := len(self._added) - len(rows):
            rows.append([f"{more:,} more classes", self._added.total() - sum(row[1] for row in rows)])
        refused = [[reason, number] for reason, number in self._refused.most_common()]
        note = f"{times} wanted of each row, where they stand up."
        tables = [
            Table(f"{name}: rows added, by class", ["class", "rows"], rows, note),
            Table(f"{name}: variants refused", ["reason", "variants"], refused),
            Table(f"{name}: examples", ["what was done", "before", "after"], self._shown(), _MARKS),
        ]
        counts = {"rows asked": self._rows, "rows without a variant": self._barren}
        counts["variants added"] = self._added.total()
        counts |= {f"refused: {reason}": number for reason, number in self._refused.most_common()}
        return {
            "counts": counts,
            "alarms": [*self.notes, *self._nothing(name)],
            "tables": [asdict(one) for one in tables if one.rows],
        }

    def _nothing(self, name: str) -> list[str]:
        """Say so where rows were asked and nothing was added."""
        if not self._rows or self._added:
            return []
        why = ", ".join(f"{reason} ({number:,})" for reason, number in self._refused.most_common(3))
        return [f"{name}: none of {self._rows:,} rows got a variant: {why or 'none was made'}"]

    def _shown(self) -> list[list[str]]:
        return [
            [how, *side_by_side(words_of(before)[0], words_of(after)[0], _SHOWN_CHARACTERS)]
            for _, examples in sorted(self._examples.items())
            for how, before, after in examples
        ]
