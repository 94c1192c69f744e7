"""What this machine's matrix products reach, measured once and cached: the choice of bf16, the yardstick of progress.

bf16 on a CPU is up to twice as fast as fp32 where the processor multiplies bf16 (AVX512-BF16, AMX), and a hundred times
slower where it does not. Flags say little about speed, so the products are timed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from oreline.errors import ResourceError
from oreline.memory import freed_memory_kept
from oreline.store import write_json

_GAIN_WORTH_BF16 = 1.3
"""Autocast's conversions of weights and activations eat a smaller gain."""
_TOKENS = 1024
_SECONDS_EACH = 0.15
_SECONDS_AGAIN = 0.05


@dataclass(frozen=True, slots=True)
class Probe:
    """Measured speed of matrix products of a model's shapes, forward and both backward ones."""

    device: str
    threads: int
    fp32_gflops: float
    bf16_gflops: float

    @property
    def best_precision(self) -> str:
        """`bf16` where it is faster by a margin, else `fp32`."""
        return "bf16" if self.bf16_gflops > _GAIN_WORTH_BF16 * self.fp32_gflops else "fp32"

    def gflops(self, precision: str) -> float:
        """Return the measured peak for a precision."""
        return self.bf16_gflops if precision == "bf16" else self.fp32_gflops


def probe(width: int, inner: int, *, threads: int, device: str = "cpu", cache: Path | None = None) -> Probe:
    """Measure (or read from this machine's cache) the speed of products of (tokens, width) with (width, inner).

    A peak that was measured while other work ran is too low, so a cached one is tried again for a moment each time, and
    the best that was ever seen is kept.

    Args:
        width: the model's width D.
        inner: the inner width of its feed-forward layers.
        threads: CPU threads, which are set already.
        device: `cpu` or `cuda`.
        cache: file to use instead of `~/.cache/oreline/probe.json`.
    """
    file = cache or cache_folder() / "probe.json"
    key = _key(width, inner, threads, device)
    known = _read(file)
    measured = (
        _tried_again(Probe(**known[key]), width, inner) if key in known else _measure(width, inner, threads, device)
    )
    if known.get(key) == asdict(measured):
        return measured
    # A cache that cannot be written (a read-only home) only costs another second next time.
    with contextlib.suppress(ResourceError, OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {**known, key: asdict(measured)})
    return measured


def cache_folder() -> Path:
    """Return where measurements lie: `$ORELINE_CACHE`, `$XDG_CACHE_HOME/oreline` or `~/.cache/oreline`."""
    if own := os.environ.get("ORELINE_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "oreline"


def best_device() -> str:
    """Return `cuda` where there is one, else `cpu`."""
    return "cuda" if torch.cuda.is_available() else "cpu"


@contextlib.contextmanager
def using_threads(threads: int | None) -> Iterator[int]:
    """Set torch's CPU threads for a while; yields the number in use."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def training_on(threads: int | None) -> Iterator[int]:
    """Set torch's CPU threads for a training, which also keeps the memory that it frees; yields the number in use."""
    with using_threads(threads) as used, freed_memory_kept():
        yield used


def _measure(width: int, inner: int, threads: int, device: str) -> Probe:
    fp32, bf16 = (_gflops(width, inner, dtype, device) for dtype in (torch.float32, torch.bfloat16))
    return Probe(device=device, threads=threads, fp32_gflops=fp32, bf16_gflops=bf16)


def _tried_again(cached: Probe, width: int, inner: int) -> Probe:
    tokens, is_bf16 = _TOKENS if cached.device == "cpu" else 16 * _TOKENS, cached.best_precision == "bf16"
    dtype = torch.bfloat16 if is_bf16 else torch.float32
    best = max(
        _time(tokens, width, inner, dtype, cached.device, seconds=_SECONDS_AGAIN, tries=1),
        cached.gflops(cached.best_precision),
    )
    return replace(cached, bf16_gflops=best) if is_bf16 else replace(cached, fp32_gflops=best)


def _gflops(width: int, inner: int, dtype: torch.dtype, device: str) -> float:
    # A processor without bf16 products is found out with few tokens, before they take a second each.
    few = _time(64, width, inner, dtype, device, seconds=0.02)
    if dtype is torch.bfloat16 and device == "cpu" and few < 20.0:
        return few
    return _time(_TOKENS if device == "cpu" else 16 * _TOKENS, width, inner, dtype, device, seconds=_SECONDS_EACH)


def _time(
    tokens: int, width: int, inner: int, dtype: torch.dtype, device: str, *, seconds: float, tries: int = 3
) -> float:
    # Not zeros or ones: a GPU multiplies those faster than real values.
    made = torch.Generator(device).manual_seed(0)
    x_TD, weight_ED, gradient_TE = (
        torch.randn(shape, generator=made, dtype=dtype, device=device)
        for shape in ((tokens, width), (inner, width), (tokens, inner))
    )
    best = 0.0
    for _ in range(tries):
        rounds, start = 0, time.perf_counter()
        while (spent := time.perf_counter() - start) < seconds or not rounds:
            torch.nn.functional.linear(x_TD, weight_ED)
            gradient_TE @ weight_ED
            gradient_TE.t() @ x_TD
            if device == "cuda":
                torch.cuda.synchronize()
            rounds += 1
            spent = time.perf_counter() - start
        best = max(best, 6 * tokens * width * inner * rounds / spent / 1e9)
    return round(best, 1)


def _key(width: int, inner: int, threads: int, device: str) -> str:
    processor = torch.cuda.get_device_name() if device == "cuda" else _processor()
    facts = [processor, platform.machine(), torch.__version__, threads, device, width, inner]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _processor() -> str:
    """Return the processor's model and flags."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    wanted = ("model name", "flags", "Features")
    return "\n".join(sorted({line for line in lines if line.startswith(wanted)}))


def _read(file: Path) -> dict[str, Any]:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
