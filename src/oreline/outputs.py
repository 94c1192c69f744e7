"""What a verb writes appears whole or not at all, and what the system refuses is said in words.

A folder is written beside its destination, fsynced, and renamed; a file likewise.
"""

from __future__ import annotations

import contextlib
import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oreline import atomic
from oreline.errors import ResourceError, UsageError


@contextlib.contextmanager
def writing(out: str | Path, *, force: bool = False, after: contextlib.ExitStack | None = None) -> Iterator[Path]:
    """Give a temporary folder that becomes `out` when the block ends well and vanishes when it does not.

    `after` is closed when the output lies in its place, or nothing came of it.

    Raises `UsageError` when `out` exists and `force` is not set, `ResourceError` on a full disk or missing
    permission.
    """
    destination = Path(out).absolute()
    with translating(destination):
        refuse_existing(out, force=force)
        with _parents_made(destination), after or contextlib.nullcontext():
            temporary = atomic.begun(destination)
            try:
                yield temporary
                atomic.share(temporary)
                atomic.fsync_tree(temporary)
                atomic.replace(temporary, destination)
            finally:
                atomic.end(temporary)


@contextlib.contextmanager
def _parents_made(place: Path) -> Iterator[None]:
    """Make the folders above a place for a block; those that were not there and are empty after it go again."""
    new_parents = [parent for parent in place.parents if not parent.exists()]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for parent in new_parents:  # those that are empty, because nothing came of it; the others refuse
            with contextlib.suppress(OSError):
                parent.rmdir()


def refuse_existing(out: str | Path, *, force: bool) -> None:
    """Raise `UsageError` when an output exists and may not be replaced, or lies below a file: before hours of work."""
    destination = Path(out)
    if below := next((parent for parent in destination.parents if parent.is_file()), None):
        raise UsageError(f"{out} cannot be made: {below} is a file", remedy="choose another --out")
    if destination.exists() and not force and (not destination.is_dir() or any(destination.iterdir())):
        raise UsageError(f"{out} exists already", remedy="choose another --out, or add --force to replace it")


@contextlib.contextmanager
def translating(place: str | Path) -> Iterator[None]:
    """Turn the operating system's refusals into `ResourceError`."""
    try:
        yield
    except Exception as error:
        reasons = {
            errno.ENOSPC: ("the disk is full", "free some space, or choose an --out on another disk"),
            errno.EDQUOT: ("the disk quota is used up", "free some space, or choose an --out on another disk"),
            errno.EACCES: ("no permission to write here", "choose an --out that you may write to"),
            errno.EPERM: ("no permission to write here", "choose an --out that you may write to"),
            errno.EROFS: ("the file system is read-only", "choose an --out that you may write to"),
        }
        if (number := atomic.errno_of(error)) not in reasons:
            raise
        # The name of a temporary file or folder would tell the user nothing.
        name = str(getattr(error, "filename", None) or "")
        where = name if name and not Path(name).name.startswith(".") else str(place)
        raise ResourceError(reasons[number][0], where=where, remedy=reasons[number][1]) from error


def write_json(file: Path, content: Any, *, sort_keys: bool = True) -> None:
    """Write JSON so that a reader sees the old file or the new one, never half of one."""
    text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=sort_keys, allow_nan=False)
    write_text(file, text + "\n")


def write_text(file: Path, text: str) -> None:
    """Write a text file so that a reader sees the old one or the new one, never half of one."""
    with translating(file):
        atomic.write_text(file, text)
