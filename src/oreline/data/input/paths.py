"""Which files a path, a folder or a pattern stands for; links may not lead out of a folder."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from oreline.errors import DataError, ResourceError, did_you_mean

_MAX_FILES = 1_000_000
_MAX_LISTED = 50
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w-]*/[A-Za-z0-9][\w-]*")
"""`OWNER/NAME`, of what has no suffix."""


def is_file(text: str) -> bool:
    """Whether there is such a file; a text may be too long to be a name."""
    return os.path.isfile(text)  # noqa: PTH113  `Path.is_file` raises for such a text


def is_folder(text: str) -> bool:
    """Whether there is such a folder."""
    return os.path.isdir(text)  # noqa: PTH112  as above


def files_of(text: str, fits: Callable[[Path], bool], *, links: bool = False) -> list[Path]:
    """Return the files that a path or a pattern stands for, sorted.

    Args:
        text: a file, a folder (its files with all in folders below it, hidden ones left out), or a pattern.
        fits: which files of a folder are meant.
        links: follow links that lead out of a folder.

    Raises:
        DataError: there is none, or a link leads out of the folder.
        ResourceError: a folder that may not be read.
    """
    path = Path(text).expanduser()
    if is_file(str(path)):
        return [path]
    if is_folder(str(path)):
        return folder_files(path, fits, links=links)
    matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True)) if is_file(match)]  # noqa: PTH207  absolute patterns too
    if matches:
        return matches
    beside = path.parent.iterdir() if is_folder(str(path.parent)) else ()
    siblings = [p.name for p in beside if p.is_file() and not p.name.startswith(".")]
    raise DataError(
        f"there is no file {text[:200]!r}",
        where="" if path.is_absolute() else f"looked in {path.absolute().parent}",
        allowed=did_you_mean(path.name, siblings) if len(siblings) <= _MAX_LISTED else "",
        remedy="check the path"
        if beside or not _HUB_NAME.fullmatch(text)
        else f"check the path, or hf://datasets/{text}",
    )


def folder_files(folder: Path, fits: Callable[[Path], bool], *, links: bool = False) -> list[Path]:
    """Return the files of a folder and of those below it, sorted; see `files_of`. Empty where none fits."""
    found = sorted(path for path in _walk(folder, links=links) if fits(path))
    if not links:
        root = folder.resolve()
        for path in found:
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise _leads_out(path)
    return found


def _walk(folder: Path, *, links: bool) -> Iterator[Path]:
    seen = {os.path.realpath(folder)}
    num_files = 0
    for place, folders, names in os.walk(folder, followlinks=links, onerror=_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in list(folders):
            below = Path(place) / name
            if not below.is_symlink():
                continue
            real = os.path.realpath(below)
            if links and real in seen:
                folders.remove(name)  # a loop, or a second way to the same files
            elif not links and not Path(real).is_relative_to(os.path.realpath(folder)):
                raise _leads_out(below)
            seen.add(real)
        for name in names:
            path = Path(place) / name
            if not name.startswith(".") and is_file(str(path)):
                num_files += 1
                if num_files > _MAX_FILES:
                    raise DataError(
                        f"the folder holds more than {_MAX_FILES:,} files",
                        where=str(folder),
                        remedy="name folders below it, or join the files",
                    )
                yield path


def _leads_out(path: Path) -> DataError:
    return DataError(
        f"a link leads out of the folder, to {os.path.realpath(path)}",
        where=str(path),
        remedy="name that file or folder itself; or, if it is meant, write {path: FOLDER, links: true}",
    )


def _unreadable(error: OSError) -> None:
    raise ResourceError(
        f"the folder cannot be read: {error.strerror}", where=str(error.filename), remedy="ask its owner, or copy it"
    ) from error
