"""Folders that appear, change and are copied as a whole: what the store's atomic writing rests on."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import shutil
import tempfile
from pathlib import Path

_UNFINISHED: dict[Path, int | None] = {}
"""Folders that have begun and not ended, and the descriptor that holds each: who finishes one waits for the disk once,
for all of its files."""
_MARK = ".unfinished-"
"""In the name of such a folder, so that nothing of the user's is taken for one."""


def begun(destination: Path) -> Path:
    """Return a new folder beside a destination, to write in what is to lie there; `end` it, whatever happens.

    Its process holds it for as long as it lives. Those for the same destination that nobody holds are what killed
    processes left, and are removed.
    """
    _remove_left(destination)
    while True:
        temporary = Path(tempfile.mkdtemp(prefix=f".{destination.name}{_MARK}", dir=destination.parent))
        descriptor = _held(temporary)
        if temporary.is_dir():  # or another process took it for one that was left, in the moment before it was held
            _UNFINISHED[temporary] = descriptor
            return temporary
        _let_go(descriptor)


def end(temporary: Path) -> None:
    """Remove what is left of a folder that has begun."""
    shutil.rmtree(temporary, ignore_errors=True)
    _let_go(_UNFINISHED.pop(temporary, None))


def _remove_left(destination: Path) -> None:
    """Remove unfinished folders for a destination whose processes have ended without `end`."""
    prefix = f".{destination.name}{_MARK}"
    with contextlib.suppress(OSError):
        for folder in [path for path in destination.parent.iterdir() if path.name.startswith(prefix)]:
            if (descriptor := _held(folder, waits=False)) is not None:
                shutil.rmtree(folder, ignore_errors=True)
                _let_go(descriptor)


def _held(folder: Path, *, waits: bool = True) -> int | None:
    """Lock a folder until its descriptor is closed; None where another process has it, or nothing can be locked."""
    try:
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except (ModuleNotFoundError, AttributeError, OSError):  # Windows, or a folder that has just gone
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _let_go(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def write_text(file: Path, text: str) -> None:
    """Write a text so that a reader sees all of it or what was there; wait for the disk but in an unfinished folder."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            if _UNFINISHED.keys().isdisjoint(file.absolute().parents):
                os.fsync(stream.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def errno_of(error: BaseException) -> int:
    """Return what the operating system refused with; 0 for an error of another kind.

    safetensors is written in Rust and says it in its text: `No space left on device (os error 28)`.
    """
    if isinstance(error, OSError):
        return error.errno or 0
    said = re.search(r"\(os error (\d+)\)", str(error)) if type(error).__name__ == "SafetensorError" else None
    return int(said[1]) if said else 0


def copy_files(source: Path, folder: Path) -> None:
    """Copy all files of a folder, links left out; a failure keeps its errno."""
    # Not shutil.copytree: it gathers errors into one without errno, and a full disk would not be recognised.
    for file in sorted(path for path in source.rglob("*") if path.is_file() and not path.is_symlink()):
        copy = folder / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def share(folder: Path) -> None:
    """Let everyone read a folder: `mkdtemp` gives 0700 and safetensors writes its files with 0600.

    Whoever serves a model is often another user than the one who trained it.
    """
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def fsync_tree(folder: Path) -> None:
    """Wait until every file and folder of a tree is on the disk."""
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def replace(temporary: Path, destination: Path) -> None:
    """Move a finished folder to its place; one that lies there already is exchanged for it in one step."""
    try:
        temporary.rename(destination)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            raise
        _swap(temporary, destination)
    descriptor = os.open(destination.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _swap(temporary: Path, destination: Path) -> None:
    # What was replaced ends up in the temporary folder, which vanishes.
    if destination.is_dir() and _exchange(temporary, destination):
        return
    # The system cannot exchange two names, so the old one steps aside first: a kill in between would lose it.
    aside = Path(tempfile.mkdtemp(prefix=f".{destination.name}.old.", dir=destination.parent))
    destination.rename(aside / "old")
    try:
        temporary.rename(destination)
    except OSError:
        (aside / "old").rename(destination)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step, so that no kill can fall between; false where the system cannot."""
    names = os.fsencode(one), os.fsencode(other)
    system = ctypes.CDLL(None, use_errno=True)
    if hasattr(system, "renameat2"):  # Linux: AT_FDCWD is -100, RENAME_EXCHANGE is 2
        return bool(system.renameat2(-100, names[0], -100, names[1], 2) == 0)
    return hasattr(system, "renamex_np") and bool(system.renamex_np(*names, 2) == 0)  # macOS: RENAME_SWAP is 2
