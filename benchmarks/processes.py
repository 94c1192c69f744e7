"""What a command takes with all its processes: seconds on the clock and of processors, and memory at its highest.

Memory is what the processes hold together: each one's own, files of libraries that they share counted once. It is
sampled five times a second. Processes whose parent ended before them are counted too (a fork server of Python is such
a one, and all its workers are its children): Linux hands them to this process, which waits for them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE_BYTES = resource.getpagesize()
EVERY_S = 0.2
PR_SET_CHILD_SUBREAPER = 36
ORPHANS_S = 10.0
"""How long processes that outlive their command may take to end."""


@dataclass(frozen=True)
class Taken:
    """What one command took."""

    wall_s: float
    cpu_s: float
    """Of all its processes."""
    peak_bytes: int
    """Of all its processes together."""
    parent_bytes: int
    """Of the first one alone."""
    output: str
    code: int


def taken(command: Sequence[str], *, timeout_s: float = 3600, environment: Mapping[str, str] | None = None) -> Taken:
    """Run a command as a process group, measure it and return what it printed. Raises `OSError` where not on Linux."""
    adopt_orphans()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    peak = parent = 0
    with tempfile.TemporaryFile() as output:
        own = {**os.environ, **(environment or {})}
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=own, process_group=0)
        while process.poll() is None:
            held = [held_bytes(each) for each in tree(process.pid)]
            peak = max(peak, sum(own for own, _ in held) + max(files for _, files in held))
            parent = max(parent, sum(held[0]))
            if time.perf_counter() - begun > timeout_s:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(EVERY_S)
        wall_s = time.perf_counter() - begun
        wait_for_orphans(process.pid)
        output.seek(0)
        said = output.read().decode(errors="replace")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Taken(wall_s, cpu_s, peak, parent, said, process.returncode)


def adopt_orphans() -> None:
    """Make this process the parent of all below it that lose theirs; otherwise their time is never counted."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "this process cannot adopt orphans")


def wait_for_orphans(group: int) -> None:
    """Wait until no process of a group is left, so that the time of all is counted; kill those that stay."""
    until = time.perf_counter() + ORPHANS_S
    with contextlib.suppress(ChildProcessError):
        while True:
            if os.waitpid(-group, os.WNOHANG) == (0, 0):
                if time.perf_counter() > until:
                    os.killpg(group, signal.SIGKILL)
                time.sleep(EVERY_S / 10)


def tree(parent: int) -> list[int]:
    """Return a process and all that it and its children started, itself first."""
    found = [parent]
    for process in found:
        try:
            for thread in Path(f"/proc/{process}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
        except OSError:
            continue
    return found


def held_bytes(process: int) -> tuple[int, int]:
    """Return the memory of a process: its own, and that of files it has mapped, which others may have, too."""
    try:
        _, resident, shared, *_ = map(int, Path(f"/proc/{process}/statm").read_text().split())
    except (OSError, ValueError):
        return 0, 0
    return (resident - shared) * PAGE_BYTES, shared * PAGE_BYTES
