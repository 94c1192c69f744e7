"""Where the time of a run goes, by operator and by stage of the run. None of it is in the data or in the ledger."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from oreline.data.ledger import Notes
from oreline.report.report import Table

_SHOWN = 6


@dataclass
class Spent:
    """What an operator or a stage took."""

    rows: int = 0
    cpu_s: float = 0.0
    """Processor seconds of all processes."""
    clock_s: float | None = None
    """Seconds that passed; None for an operator that worked while others did."""


class Clock:
    """Collects processor and clock seconds by name, in the order in which the names came."""

    def __init__(self) -> None:
        self.spent: dict[str, Spent] = {}
        self._here_s = 0.0

    @contextlib.contextmanager
    def timing(self, name: str, rows: int = 0) -> Iterator[Spent]:
        """Count a block as a stage's; what operators (`take`) and inner blocks took meanwhile is theirs alone."""
        spent = self.spent.setdefault(name, Spent())
        begun, cpu_s, here_s = time.perf_counter(), time.process_time(), self._here_s
        try:
            yield spent
        finally:
            own_s = max(0.0, time.process_time() - cpu_s - (self._here_s - here_s))
            spent.cpu_s += own_s
            self._here_s += own_s  # a block around this one does not count it again
            spent.clock_s = (spent.clock_s or 0.0) + time.perf_counter() - begun
            spent.rows += rows

    def take(self, notes: Notes, *, counts: bool = True) -> None:
        """Take in what operators took for a frame; `counts` says whether its rows count as theirs."""
        for name, seconds in notes.spent_s.items():
            spent = self.spent.setdefault(name, Spent())
            spent.cpu_s += seconds
            spent.rows += notes.rows_given[name] if counts else 0
        self._here_s += sum(notes.spent_s.values()) - notes.elsewhere_s

    def table(self) -> Table:
        """Return all of it as a table of the report."""
        rows: list[list[Any]] = [
            [name, spent.rows or None, round(spent.cpu_s, 3), _rate(spent), spent.clock_s and round(spent.clock_s, 3)]
            for name, spent in self.spent.items()
        ]
        columns = ["operator or stage", "rows", "processor s", "rows a processor s", "clock s"]
        note = (
            "Processor seconds of all processes. Operators that see a frame at a time work side by side: their clock "
            "seconds are those of the stage above them. What an earlier run left is not in here."
        )
        return Table("Time", columns, rows, note)

    def sentence(self) -> str:
        """Return the names that took most, in one line."""
        most = sorted(self.spent.items(), key=lambda found: -found[1].cpu_s)[:_SHOWN]
        parts = [
            f"{name} {spent.cpu_s:.1f} s{f' ({rate:,} rows/s)' if (rate := _rate(spent)) else ''}"
            for name, spent in most
        ]
        total = sum(spent.cpu_s for spent in self.spent.values())
        return f"time: {total:.1f} s of processors: {', '.join(parts)}"


def _rate(spent: Spent) -> int | None:
    return round(spent.rows / spent.cpu_s) if spent.rows and spent.cpu_s > 0 else None
