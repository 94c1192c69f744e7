"""Where the time of a run goes."""

from __future__ import annotations

import time

from oreline.data.ledger import Notes
from oreline.data.running.clock import Clock


def worked(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def notes(elsewhere_s: float = 0.0, **spent_s: float) -> Notes:
    found = Notes()
    for name, seconds in spent_s.items():
        found.spent_s[name], found.rows_given[name] = seconds, 10
    found.elsewhere_s = elsewhere_s
    return found


def test_what_operators_took_here_is_not_the_stage_s_too() -> None:
    clock = Clock()
    with clock.timing("read", 100):
        own = Notes()
        with own.timing("clean", 40):
            worked(0.03)
        clock.take(own)
        with clock.timing("learns"):
            worked(0.01)
    assert list(clock.spent) == ["read", "clean", "learns"]
    assert clock.spent["clean"].cpu_s >= 0.03
    assert clock.spent["read"].cpu_s < 0.02
    assert clock.spent["read"].clock_s is not None
    assert clock.spent["read"].clock_s >= 0.04
    assert (clock.spent["read"].rows, clock.spent["clean"].rows) == (100, 40)
    assert clock.spent["clean"].clock_s is None


def test_what_other_processes_took_counts() -> None:
    clock = Clock()
    with clock.timing("read"):
        clock.take(notes(elsewhere_s=5.0, clean=2.0, mask=3.0))
        worked(0.01)
    assert clock.spent["read"].cpu_s >= 0.01, "nothing of the five seconds is taken off it"
    clock.take(notes(clean=2.0), counts=False)
    assert (clock.spent["clean"].cpu_s, clock.spent["clean"].rows) == (4.0, 10)


def test_the_table_and_the_sentence_name_rates() -> None:
    clock = Clock()
    clock.take(notes(clean=0.5))
    with clock.timing("leaks"):
        pass
    table = clock.table()
    assert table.rows[0] == ["clean", 10, 0.5, 20, None]
    assert table.rows[1][:2] == ["leaks", None]
    assert "clean 0.5 s (20 rows/s)" in clock.sentence()
