from __future__ import annotations

import io

from oreline.cli.progress import Bars, figures
from oreline.types import Event


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_one_bar_a_stage() -> None:
    stream = Terminal()
    bars = Bars(stream)
    for step in range(1, 4):
        bars.show(Event("read", step, 3))
    bars.show(Event("train", 1, 2, {"loss": 0.5, "rows_per_s": 120.0}, "a sentence with [brackets]"))
    bars.show(Event("train", 2, 2, {"loss": 0.4}))
    bars.close()
    shown = stream.getvalue()
    assert "3/3" in shown
    assert "a sentence with [brackets]" in shown
    assert "loss 0.400" in shown


def test_elsewhere_messages_are_lines_and_steps_are_rare() -> None:
    stream = io.StringIO()
    bars = Bars(stream)
    for step in range(1000):
        bars.show(Event("train", step, 1000, {"loss": 1.0}))
    bars.show(Event("train", message="done"))
    bars.printed_s -= 11
    bars.show(Event("train", 5, None, {"loss": 1.0}))
    bars.close()
    assert stream.getvalue() == "done\ntrain 5 loss 1.000\n"


def test_units_come_from_names() -> None:
    assert figures(Event("x", values={"learning_rate": 2e-5})) == "learning rate 2.00e-05"
    assert figures(Event("x", values={"left_s": 3725})) == "1:02:05 left"
    assert figures(Event("x", values={"rows": 12345.0})) == "rows 12,345"


def test_a_sentence_is_no_progress() -> None:
    """A forecast says its figures itself: neither a bar nor a line of raw values."""
    forecast = Event("forecast", values={"rows": 80.0, "whole_s": 12.0}, message="80 rows: about 12 seconds")
    for stream in (io.StringIO(), Terminal()):
        bars = Bars(stream)
        bars.printed_s -= 11
        bars.show(forecast)
        bars.close()
        assert stream.getvalue() == "80 rows: about 12 seconds\n"
