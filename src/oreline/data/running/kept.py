"""Finished stages of a refinery, kept by what they were made of: a killed run goes on from them, and so does the next.

A stage is a folder named by its key, the SHA-256 over the content of the sources, the roles of their columns, and name,
options and code of every operator so far. It is written under another name and renamed when it is complete.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import inspect
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from oreline import store
from oreline.data.running.steps import Step
from oreline.errors import ResourceError

FACTS = "facts.json"
"""Written last into a stage: what it holds besides rows, and the size of every file."""
EMPTIED = "emptied"
"""Among the facts of a stage whose rows were removed, because a later one has what came of them."""
_MAKING = ".making-"
_MADE = ".made"
"""In the folder of a run: which folder it writes, so that it is known there when that one lies in its place."""
_STALE_S = 24 * 3600
"""After this time a half-made stage is what a killed run left."""
_PACKAGE = Path(__file__).parents[1]


class Kept:
    """A folder of stages.

    Args:
        folder: where they lie.
        max_bytes: when the run is over, those that were not used for longest are removed until the rest take no more;
            None for a folder that belongs to one run.
    """

    def __init__(self, folder: Path, *, max_bytes: int | None = None) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        self.folder.mkdir(parents=True, exist_ok=True)
        self._held: list[int] = []
        self._nameless: list[Path] = []
        if max_bytes is None:
            for left in self.folder.glob(f"{_MAKING}*"):
                shutil.rmtree(left, ignore_errors=True)

    def find(self, key: str) -> Path | None:
        """Return the folder of a complete stage, or None. Others do not remove it before `close`."""
        folder = self.folder / key
        if not key or not (folder / FACTS).is_file():
            return None
        self._hold(folder)
        try:
            sizes = json.loads((folder / FACTS).read_text(encoding="utf-8"))["sizes"]
            if any((folder / name).stat().st_size != size for name, size in sizes.items()):
                return None
        except (OSError, ValueError, KeyError):
            return None  # removed or damaged; it is made again
        os.utime(folder)
        return folder

    @contextlib.contextmanager
    def making(self, key: str) -> Iterator[Path]:
        """Give a folder to fill; it becomes the stage of this key when the block ends well. `keep` ends it."""
        folder = Path(tempfile.mkdtemp(prefix=_MAKING, dir=self.folder))
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def keep(self, folder: Path, key: str, facts: dict[str, Any]) -> Path:
        """Complete a stage: write its facts and give it its name. Without a key it stays as it is, for this run."""
        files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
        sizes = {file.relative_to(folder).as_posix(): file.stat().st_size for file in files}
        store.write_json(folder / FACTS, {**facts, "sizes": sizes})
        if key:
            place = self.folder / key
            shutil.rmtree(place, ignore_errors=True)  # damaged, or it would have been found
            with contextlib.suppress(OSError):  # another run has just made it
                self._hold(folder)
                return folder.rename(place)
        self._nameless.append(folder)
        return folder

    def empty(self, folder: Path, part: str) -> None:
        """Remove a part of a complete stage that nothing reads any more; a cache keeps it, for other runs."""
        facts = self.facts(folder)
        if self.max_bytes is None and EMPTIED not in facts:
            sizes = {name: size for name, size in facts["sizes"].items() if not name.startswith(f"{part}/")}
            store.write_json(folder / FACTS, {**facts, "sizes": sizes, EMPTIED: part})
            shutil.rmtree(folder / part, ignore_errors=True)

    def ends_in(self, folder: Path) -> None:
        """Note the folder that is to become the output, where all that is left is to put it there."""
        if self.max_bytes is None:
            (self.folder / _MADE).write_text(_identity(folder), encoding="ascii")

    def facts(self, folder: Path) -> dict[str, Any]:
        """Return what was said of a stage when it was completed."""
        found: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        return found

    def close(self) -> None:
        """Let go of the stages, and remove those that were not used for longest where they take too much."""
        for descriptor in self._held:
            os.close(descriptor)
        for folder in self._nameless:
            shutil.rmtree(folder, ignore_errors=True)
        self._held, self._nameless = [], []
        if self.max_bytes is None:
            return
        now = time.time()
        for left in self.folder.glob(f"{_MAKING}*"):
            if now - left.stat().st_mtime > _STALE_S:
                shutil.rmtree(left, ignore_errors=True)
        stages = sorted((path for path in self.folder.iterdir() if (path / FACTS).is_file()), key=_used_at)
        sizes = {stage: sum(file.stat().st_size for file in stage.rglob("*") if file.is_file()) for stage in stages}
        for stage in stages:
            if sum(sizes.values()) <= self.max_bytes:
                return
            if _removed(stage):
                del sizes[stage]

    def _hold(self, folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        self._held.append(descriptor)


@contextlib.contextmanager
def kept_beside(out: str | Path) -> Iterator[Kept]:
    """Give the stages of the run that writes an output; they stay only when the run is killed or interrupted.

    Raises `ResourceError` when the same output is being written already.
    """
    destination = Path(out).absolute()
    folder = destination.with_name(f".{destination.name}.work")
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ResourceError(
                f"another run writes {out} just now", where=str(folder), remedy="wait for it to end, then try again"
            ) from None
        kept = Kept(folder)
        try:
            yield kept
        except KeyboardInterrupt:
            raise
        except BaseException:
            _remove(folder)
            raise
        else:
            _remove(folder)
        finally:
            kept.close()


def forget_done(out: str | Path) -> None:
    """Remove the stages of a run that was killed when its output lay in its place already."""
    destination = Path(out).absolute()
    folder = destination.with_name(f".{destination.name}.work")
    with contextlib.suppress(OSError), (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_empty = {path.name for path in folder.iterdir()} == {".lock"}
        if is_empty or (folder / _MADE).read_text(encoding="ascii") == _identity(destination):
            _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder of stages; what tells that it may go goes last, so that a kill meanwhile leaves no riddle."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name not in (".lock", _MADE):
                path.unlink(missing_ok=True)
        (folder / _MADE).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _identity(folder: Path) -> str:
    found = folder.stat()
    return f"{found.st_dev} {found.st_ino}"


def chained(key: str, steps: list[Step]) -> str:
    """Return the key of what steps make of a stage; empty where the stage has none or a step cannot be told by name."""
    for step in steps:
        if not key or (made := step.made_of) is None:
            return ""
        content = [key, {**made, "learnt": None}, code_of(step), files_named(made["options"])]
        key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return key


def signed_key(key: str) -> str:
    """Return the key of the signatures by which an operator that sees all rows makes a stage; empty without its key."""
    return hashlib.sha256(f"signatures of {key}".encode()).hexdigest() if key else ""


def code_of(step: Step) -> str:
    """Return the hash of the code that a step runs: all of this package's, and its own file's."""
    own = inspect.getsourcefile(type(step.operator))
    return _hash_of(own) + code_of_package() if own else code_of_package()


def files_named(value: Any) -> list[str]:
    """Return, for each file or folder that options name, what its content is told by."""
    if isinstance(value, dict):
        return [found for item in value.values() for found in files_named(item)]
    if isinstance(value, list):
        return [found for item in value for found in files_named(item)]
    if not isinstance(value, str) or not value or len(value) > 4096 or "\0" in value:
        return []
    with contextlib.suppress(OSError):
        path = Path(value).expanduser()
        if path.is_file():
            return [store.file_sha256(path)]
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file())
            return [f"{file.relative_to(path)} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files]
    return []


@functools.cache
def code_of_package() -> str:
    """Return the hash of all code that reads, refines and stores rows, Polars by its version: its hashes are kept."""
    digest = hashlib.sha256(pl.__version__.encode())
    for file in sorted(_PACKAGE.rglob("*.py")):
        digest.update(file.relative_to(_PACKAGE).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


@functools.cache
def _hash_of(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def _used_at(stage: Path) -> float:
    return stage.stat().st_mtime


def _removed(stage: Path) -> bool:
    """Remove a stage that no run uses; returns whether it is gone."""
    try:
        descriptor = os.open(stage, os.O_RDONLY)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(stage, ignore_errors=True)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
