"""Facts about this machine, from the operating system: processor, memory, disk."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from oreline.memory import free_bytes, lines

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
    told = lines("/proc/cpuinfo")
    processor = next((value for key, value in told if key == "model name"), platform.processor() or platform.machine())
    listed = next((value.split() for key, value in told if key in ("flags", "Features")), [])
    memory = {key: int(value.split()[0]) * 1024 for key, value in lines("/proc/meminfo") if value.endswith("kB")}
    total = memory.get("MemTotal", _sysconf_bytes())
    return Machine(
        processor=processor,
        flags=tuple(flag for flag in FLAGS if flag in listed),
        num_cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_bytes=total,
        free_memory_bytes=free_bytes() or total,
        free_disk_bytes=shutil.disk_usage(_existing(folder)).free,
    )


def _existing(folder: Path) -> Path:
    absolute = folder.absolute()
    return next(place for place in (absolute, *absolute.parents) if place.exists())


def _sysconf_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
