"""How a refine runs: processes, memory, the cache of finished stages, and the models that operators ask for."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline.api.operator_models import open_model
from oreline.catalog.fetch import cache_folder
from oreline.errors import UsageError

if TYPE_CHECKING:
    from oreline.data.refine import Running

MEMORY, CACHE_SIZE = "2GB", "20GB"
RUN_OPTIONS = ("workers", "memory", "engine", "cache", "cache_size")
"""Options of refine that say how it runs; what comes out does not depend on them."""
_SMALLEST = 256 << 20
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


@contextlib.contextmanager
def running(
    *,
    workers: int | None = None,
    memory: str | int = MEMORY,
    engine: str = "local",
    cache: bool | str = False,
    cache_size: str | int = CACHE_SIZE,
) -> Iterator[Running]:
    """Give what `oreline.data.refine.refine` runs with; its processes end with the block.

    Raises `UsageError` for a size, an engine or a number of workers that makes no sense.
    """
    from oreline.data.refine import Running
    from oreline.engines.local import Local

    memory_bytes = num_bytes("memory", memory)
    if memory_bytes < _SMALLEST:
        raise UsageError(f"memory is {memory!r}", allowed="256MB and more")
    made: Any
    if engine == "ray":
        from oreline.engines.ray import Ray

        made = Ray(workers=workers)
    elif engine == "local":
        made = Local(workers=workers, memory_bytes=memory_bytes)
    else:
        raise UsageError(f"unknown engine {engine!r}", allowed="local, ray")
    with made as opened:
        yield Running(
            engine=opened,
            memory_bytes=memory_bytes,
            cache=stages_folder(cache),
            cache_bytes=num_bytes("cache_size", cache_size),
            open_model=open_model,
        )


def stages_folder(cache: bool | str) -> Path | None:
    """Return where finished stages are kept: nowhere, the usual place (`ORELINE_CACHE`), or the folder named."""
    if cache is False:
        return None
    if isinstance(cache, str):
        return Path(cache).expanduser()
    return cache_folder() / "refine"


def num_bytes(option: str, size: str | int) -> int:
    """Return a size in bytes. Raises `UsageError` for what is none.

    >>> num_bytes("memory", "2GB"), num_bytes("memory", "512 MB"), num_bytes("memory", 1000)
    (2147483648, 536870912, 1000)
    """
    if isinstance(size, int):
        return size
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", size.lower())
    if match is None:
        raise UsageError(f"{option} is {size!r}", allowed="a size such as 2GB or 500MB")
    return int(float(match[1]) * _UNITS[match[2]])
