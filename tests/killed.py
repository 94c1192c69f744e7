"""Runs that are stopped while they work: by SIGKILL in a process of their own, or by an interrupt at a random step."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from oreline.types import Event


def kill_after(command: Sequence[str], is_reached: Callable[[str], bool], delay_s: float = 0.0) -> None:
    """Start a program and kill it, some time after the first of its lines that is waited for.

    The program says its process id first: `warm` starts programs whose id is not that of the command.
    """
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    number = int(process.stdout.readline())
    for line in process.stdout:
        if is_reached(line):
            break
    time.sleep(delay_s)
    with contextlib.suppress(ProcessLookupError):  # a fast machine may have ended it
        os.kill(number, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def made_a_step(line: str) -> bool:
    """Whether a line begins with the number of a step that has been made."""
    first = line.split(" ", 1)[0].strip()
    return first.isdigit() and int(first) > 0


def interrupted(train: Callable[..., Any], seed: int) -> tuple[Any, Any, list[str]]:
    """Train whole, and again with an interrupt at a random step of the whole run; return both, and what was said last.

    `train(name, on_event)` trains into a place of that name. The step is neither the first nor the last of its training,
    where a method makes several.
    """
    seen: list[Event] = []
    whole = train("whole", seen.append)
    steps = [event for event in seen if event.stage == "train" and "loss" in event.values]
    left = random.Random(seed).choice([at for at, event in enumerate(steps) if 1 < event.step < (event.total or 0)])

    def stop(event: Event) -> None:
        nonlocal left
        if event.stage == "train" and "loss" in event.values:
            if not left:
                raise KeyboardInterrupt
            left -= 1

    with pytest.raises(KeyboardInterrupt):
        train("killed", stop)
    said: list[str] = []
    return whole, train("killed", lambda event: said.append(event.message)), said
