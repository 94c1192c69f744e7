"""Memory of this process and of the machine, as the operating system tells it."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path

_CONTROL = Path("/sys/fs/cgroup")
_highest = 0
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of the C library's `mallopt`."""
_KEPT_MMAP, _KEPT_TRIM = 2**30, 2**31 - 1
_USUAL_MMAP, _USUAL_TRIM = 2**25, 2**26
"""What glibc's own thresholds grow to in a process that frees large blocks."""
_GROWTH, _LEAST_GROWTH = 0.15, 2**27
"""How far holes may let a process grow: a share of what it needs, but not less than so many bytes."""


@contextlib.contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Let this process keep what it frees, to be handed out again; what is left goes back at the end.

    A training step frees its activations and the next one asks for as many: by its defaults, the C library returns
    large blocks to the system, which clears every page anew, a tenth of a small model's training time. Does nothing
    where the C library is not glibc.
    """
    library = _glibc()
    if library is None:
        yield
        return
    library.mallopt(_MMAP_THRESHOLD, _KEPT_MMAP)
    library.mallopt(_TRIM_THRESHOLD, _KEPT_TRIM)
    try:
        yield
    finally:
        library.mallopt(_MMAP_THRESHOLD, _USUAL_MMAP)
        library.mallopt(_TRIM_THRESHOLD, _USUAL_TRIM)
        library.malloc_trim(0)


class Holes:
    """What passes of many lengths leave behind where freed memory is kept: blocks that the next one does not fit in.

    They grew to five times what a pass needs (reviews of up to 256 tokens: 9 GB). So what is held beyond the needs of
    a pass that starts without holes is given back once it is worth the time, since every page is cleared anew then.
    Made before the first pass; does nothing where the C library is not glibc.
    """

    def __init__(self) -> None:
        self._needed, self._closed = 0, True
        self._close()

    def close_large(self) -> None:
        """Give freed memory back where much of it is not needed; between two passes."""
        held = held_bytes()
        if self._closed:
            self._needed, self._closed = max(self._needed, held), False
        elif held > self._needed + hole_bytes(self._needed):
            self._close()

    def _close(self) -> None:
        if (library := _glibc()) is not None:
            library.malloc_trim(0)
        self._closed = True


def hole_bytes(needed: int) -> int:
    """Return how much a training process that needs so many bytes may hold in holes besides; 0 without glibc."""
    return max(int(_GROWTH * needed), _LEAST_GROWTH) if _glibc() is not None else 0


def peak_bytes() -> int:
    """Return the most memory that this process has held so far; 0 where the system does not tell."""
    # Not `getrusage`: what it says of a process begins with the peak of the one that started it.
    return max(_highest, _status("VmHWM"))


def held_bytes() -> int:
    """Return what this process holds now; 0 where the system does not tell."""
    return _status("VmRSS")


def peak_anew() -> bool:
    """Count the peak from now on (`peak_since`); returns whether the system can."""
    global _highest
    _highest = peak_bytes()
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return True
    return False


def peak_since() -> int:
    """Return the most that was held since `peak_anew`; `peak_bytes` is the most of all time."""
    return _status("VmHWM")


def free_bytes() -> int:
    """Return what this process may still take, within the limit of its container; 0 where the system does not tell."""
    free = dict(lines("/proc/meminfo")).get("MemAvailable", "0 kB")
    return min(int(free.split()[0]) * 1024, _left_in_container())


def lines(file: str) -> list[tuple[str, str]]:
    """Return the pairs of a file of `name: value` lines; none where there is no such file."""
    try:
        text = Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []  # not Linux
    pairs = (line.partition(":") for line in text.splitlines())
    return [(key.strip(), value.strip()) for key, _, value in pairs]


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if all(hasattr(library, name) for name in ("mallopt", "malloc_trim")) else None


def _status(name: str) -> int:
    return int(dict(lines("/proc/self/status")).get(name, "0 kB").split()[0]) * 1024


def _left_in_container(control: Path = _CONTROL) -> int:
    """Return how much a control group (version 2) still allows; more than there is where it sets no limit."""
    try:
        limit = int((control / "memory.max").read_text(encoding="ascii"))
        used = int((control / "memory.current").read_text(encoding="ascii"))
        told = dict(line.split() for line in (control / "memory.stat").read_text(encoding="ascii").splitlines())
    except (OSError, ValueError):  # no control group, or the word `max`
        return 1 << 62
    return max(limit - used + int(told.get("inactive_file", 0)), 0)
