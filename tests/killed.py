"""Runs that end by SIGKILL while they work, in a process of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence


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
