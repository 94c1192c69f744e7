"""What a job will take, found out by trying: time and memory, before the first step."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from oreline.models.batch import Batch
from oreline.train.loop import fit


@dataclass(frozen=True, slots=True)
class Estimate:
    """Time of one step and memory at the peak."""

    step_s: float
    peak_bytes: int
    free_bytes: int | None

    def sentence(self, num_steps: int, num_rows: int) -> str:
        """Return the estimate in words, with a warning when the memory may not suffice."""
        total_s = num_steps * self.step_s
        spelled = f"{total_s:.0f} s" if total_s < 120 else f"{total_s / 60:.1f} min"
        memory = f"about {self.peak_bytes / 2**30:.1f} GiB of memory"
        if self.free_bytes is not None and self.peak_bytes > self.free_bytes:
            memory += f", but only {self.free_bytes / 2**30:.1f} GiB are there: lower train.token_budget"
        return f"{num_steps:,} steps over {num_rows:,} rows: {spelled} of training, {memory}"


def try_steps(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Callable[[Any, Batch], Tensor],
    steps: Sequence[Sequence[Batch]],
    *,
    bf16: bool,
) -> Estimate:
    """Make some steps at learning rate 0 and time all but the first; weights, moments and random state stay as they were.

    Put the largest step first: it warms the machine up and shows the peak of memory.
    """
    cpu_state = torch.get_rng_state()
    cuda_state = torch.cuda.get_rng_state() if torch.cuda.is_available() else None
    times = []
    since = time.perf_counter()
    # The step count alone decides Adam's correction, so the moments are thrown away, not kept.
    for _ in fit(model, steps, loss, optimizer, schedule=lambda step: 0.0, bf16=bf16):
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - since)
        since = time.perf_counter()
    peak = _peak_bytes()
    optimizer.state = defaultdict(dict)
    torch.set_rng_state(cpu_state)
    if cuda_state is not None:
        torch.cuda.set_rng_state(cuda_state)
    timed = times[1:] or times
    return Estimate(sum(timed) / len(timed), peak, _free_bytes(peak))


def _peak_bytes() -> int:
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    try:
        import resource
    except ImportError:  # not on Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024


def _free_bytes(used: int) -> int | None:
    """Return what this process may hold in all, or None where the system does not say."""
    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[1])
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        available = next(line for line in lines if line.startswith("MemAvailable"))
        return int(available.split()[1]) * 1024 + used
    return None
