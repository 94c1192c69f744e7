"""Progress on stderr: one bar for each stage on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from oreline.types import Event

LINE_EVERY_S = 10.0


class Bars:
    """Shows events. On a terminal, the current stage is a bar with its rate, figures and time left."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.progress: Any = None
        self.task: Any = None
        self.stage = ""
        self.printed_s = time.monotonic()

    def show(self, event: Event) -> None:
        """Show one event."""
        if event.message:
            self._print(event.message)
        if not event.step and event.total is None and (event.message or not event.values):
            return  # a sentence, whose figures (a forecast's) it says itself, is no progress
        if self.stream.isatty():
            self._bar(event)
        elif time.monotonic() - self.printed_s >= LINE_EVERY_S:
            self.printed_s = time.monotonic()
            self._print(plain_line(event))

    def close(self) -> None:
        """Leave the last bar as it is."""
        if self.progress is not None:
            self.progress.stop()
            self.progress = None

    def _print(self, message: str) -> None:
        if self.progress is not None:
            self.progress.console.print(message, markup=False, highlight=False)
        else:
            print(message, file=self.stream, flush=True)

    def _bar(self, event: Event) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        if self.progress is None or self.stage != event.stage:
            self.close()
            self.stage = event.stage
            self.progress = Progress(
                TextColumn("{task.description:<10}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[figures]}"),
                console=Console(file=self.stream),
                transient=False,
            )
            self.task = self.progress.add_task(event.stage, total=event.total, figures="")
            self.progress.start()
        self.progress.update(self.task, completed=event.step, total=event.total, figures=figures(event))


def plain_line(event: Event) -> str:
    """Return an event as one line of a log.

    >>> from oreline.types import Event
    >>> plain_line(Event("train", 5, 10, {"loss": 0.25}))
    'train 5/10 loss 0.250'
    """
    done = f"{event.step:,}" + (f"/{event.total:,}" if event.total is not None else "")
    return f"{event.stage} {done} {figures(event)}".rstrip()


def figures(event: Event) -> str:
    """Return an event's figures in a readable form: rates, seconds and shares by their names' units.

    >>> from oreline.types import Event
    >>> figures(Event("train", values={"loss": 0.5, "rows_per_s": 131.4, "left_s": 61.0, "gemm_share": 0.31}))
    'loss 0.500 131 rows/s 1:01 left gemm 31 %'
    """
    return " ".join(_figure(name, value) for name, value in event.values.items())


def _figure(name: str, value: float) -> str:
    if name.endswith("_per_s"):
        return f"{value:,.0f} {name.removesuffix('_per_s').replace('_', ' ')}/s"
    if name.endswith("_s"):
        return f"{_clock(value)} {name.removesuffix('_s').replace('_', ' ')}"
    if name.endswith("_share"):
        return f"{name.removesuffix('_share').replace('_', ' ')} {value:.0%}".replace("%", " %")
    shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2e}" if 0 < abs(value) < 0.001 else f"{value:.3f}"
    return f"{name.replace('_', ' ')} {shown}"


def _clock(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
