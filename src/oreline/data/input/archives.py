"""Files wherever they lie, in a folder or in an archive: `reviews.zip/2024/shop.csv` is a path like any other.

Nothing is unpacked under its own name. Readers that take bytes one after the other read members as they are unpacked;
for the others a member lies in a temporary folder while it is read.
"""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from oreline.data.input import compressed
from oreline.data.input.compressed import PACKINGS, Bytes, unpacked
from oreline.data.input.members import Member, archive_of, is_archive
from oreline.data.input.tars import Tar
from oreline.data.input.zips import Zip
from oreline.errors import DataError, OrelineError, did_you_mean

_MAX_NAME_BYTES = 200


def member_paths(archive: Path, pattern: str = "*") -> list[Path]:
    """Return the paths of an archive's files in the archive's order, hidden ones left out.

    Args:
        archive: the file.
        pattern: which names are meant, as in a shell.

    Raises `DataError` for an archive that is damaged, encrypted, a bomb, or holds links, devices or archives.
    """
    return [archive / member.name for member in _archive(archive).members if fnmatch.fnmatch(member.name, pattern)]


def broken(archive: Path) -> str:
    """Return why files may be missing at an archive's end; empty where none are."""
    return _archive(archive).broken


def is_read_in_order(archive: Path) -> bool:
    """Whether to read an archive's files in another order than its own costs an unpacking for each."""
    return archive.suffix.lower() not in (".zip", ".tar")


def opened(path: Path) -> Bytes:
    """Open a file or a member to read its bytes, unpacked where its suffix says that it is compressed.

    Raises `DataError` for a member that is not there; `read` raises as that of `compressed.opened`.
    """
    inside = archive_of(path)
    if inside is None:
        return compressed.opened(path)
    archive, name = inside
    stream = _archive(archive).opened(_member(archive, name), path)
    return unpacked(path, stream) if path.suffix.lower() in PACKINGS else stream


@contextlib.contextmanager
def on_disk(path: Path) -> Iterator[Path]:
    """Give a file that can be opened by its path: a member is unpacked into a temporary folder for as long.

    Errors that are raised inside name the member.
    """
    inside = archive_of(path)
    if inside is None:
        yield path
        return
    archive, name = inside
    with tempfile.TemporaryDirectory(prefix="oreline-") as folder:
        short = len(path.name.encode()) <= _MAX_NAME_BYTES
        file = Path(folder) / (path.name if short else f"member{path.suffix[:20]}")
        with _archive(archive).opened(_member(archive, name), path) as packed, file.open("wb") as target:
            shutil.copyfileobj(packed, target, 1 << 20)
        try:
            yield file
        except OrelineError as error:
            error.where = error.where.replace(str(file), str(path))
            raise


def file_of(path: Path) -> Path:
    """Return the file on disk that a path stands for, or leads into."""
    inside = archive_of(path)
    return path if inside is None else inside[0]


def paths_inside(text: str) -> list[Path] | None:
    """Return the members that a path or a pattern into an archive stands for; None where it leads into none.

    Raises `DataError` when there is no such member.
    """
    inside = archive_of(Path(text).expanduser())
    if inside is None:
        return None
    archive, pattern = inside
    found = member_paths(archive, pattern)
    if not found:
        known = [member.name for member in _archive(archive).members]
        raise DataError(
            f"the archive has no file {pattern[:200]!r}", where=str(archive), allowed=did_you_mean(pattern, known)
        )
    return found


def _archive(path: Path) -> Zip | Tar:
    if not is_archive(path):
        raise ValueError(f"{path} is no archive")
    about = path.stat()
    try:
        return _opened_archive(path.absolute(), about.st_mtime_ns, about.st_size)
    except OrelineError as error:
        error.where = error.where.replace(str(path.absolute()), str(path))  # as the user named it
        raise


@functools.lru_cache(maxsize=4)
def _opened_archive(path: Path, _changed_ns: int, _size: int) -> Zip | Tar:
    """Open an archive once, as long as it stays the same: its list of members may be long."""
    return Zip(path) if path.suffix.lower() == ".zip" else Tar(path)


@functools.lru_cache(maxsize=4)
def _names(archive: Zip | Tar) -> dict[str, Member]:
    return {member.name: member for member in archive.members}


def _member(archive: Path, name: str) -> Member:
    found = _names(_archive(archive)).get(name)
    if found is None:
        raise DataError(f"the archive has no file {name[:200]!r}", where=str(archive), remedy="check the path")
    return found
