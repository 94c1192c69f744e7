"""Facts about this machine, from the operating system: processor, memory, disk."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "neon", "asimd", "i8mm")
"""Processor flags that decide how fast fp32, bf16 and int8 are."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to work with."""

    processor: str
    flags: tuple[str, ...]
    num_cores: int
    """Cores this process may use, which in a container are fewer than the machine has."""
    memory_bytes: int
    free_memory_bytes: int
    free_disk_bytes: int


def machine(folder: Path = Path()) -> Machine:
    """Look at this machine; disk space is that of `folder`."""
    lines = _lines("/proc/cpuinfo")
    processor = next((value for key, value in lines if key == "model name"), platform.processor() or platform.machine())
    listed = next((value.split() for key, value in lines if key in ("flags", "Features")), [])
    memory = {key: int(value.split()[0]) * 1024 for key, value in _lines("/proc/meminfo") if value.endswith("kB")}
    total = memory.get("MemTotal", _sysconf_bytes())
    return Machine(
        processor=processor,
        flags=tuple(flag for flag in FLAGS if flag in listed),
        num_cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_bytes=total,
        free_memory_bytes=memory.get("MemAvailable", total),
        free_disk_bytes=shutil.disk_usage(_existing(folder)).free,
    )


def peak_memory_bytes() -> int:
    """Return the most memory that this process has held so far; 0 where the system does not tell."""
    # Not `getrusage`: what it says of a process begins with the peak of the one that started it.
    peak = dict(_lines("/proc/self/status")).get("VmHWM", "0 kB")
    return int(peak.split()[0]) * 1024


def _existing(folder: Path) -> Path:
    absolute = folder.absolute()
    return next(place for place in (absolute, *absolute.parents) if place.exists())


def _lines(file: str) -> list[tuple[str, str]]:
    try:
        text = Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []  # not Linux
    pairs = (line.partition(":") for line in text.splitlines())
    return [(key.strip(), value.strip()) for key, _, value in pairs]


def _sysconf_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
