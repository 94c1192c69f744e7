"""What `--force` may replace: what Oreline wrote before, and never what a verb is to read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from oreline import store
from oreline.errors import ArtifactError, OrelineError, UsageError
from oreline.models.base import ADAPTER, base_places

_WRITTEN = ("oreline.json", "dataset.json", "report.json")
"""One of these lies in every folder that a verb writes, except that of `restore`."""
_RESTORED = b'{"row_id":'


def refuse_loss(out: str | Path, reads: Iterable[Any] = (), *, force: bool) -> None:
    """Raise `UsageError` where writing the folder `out` would delete a file, foreign files or an input.

    Args:
        out: the folder to write.
        reads: what the verb was given to read; names and paths in it count, alone, in lists and mappings.
        force: whether what lies at `out` is to be replaced.
    """
    folder = Path(out)
    if folder.is_file():
        raise UsageError(f"{out} is a file, and a folder is written", remedy="choose another --out")
    if not force or not folder.is_dir() or not any(folder.iterdir()):
        return
    place = folder.resolve()
    for read in _paths(reads):
        if place == read.resolve() or place in read.resolve().parents:
            raise UsageError(f"{out} would be replaced, and it holds what is to be read: {read}", remedy=_OTHER)
    if not is_written(folder):
        names = sorted(entry.name for entry in folder.iterdir())
        some = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        raise UsageError(f"{out} holds what Oreline did not write: {some}", remedy=_OTHER)


_OTHER = "choose another --out; --force replaces only what an earlier run wrote"


def is_written(folder: Path) -> bool:
    """Whether a folder looks as a verb of Oreline leaves it."""
    if any((folder / name).is_file() for name in _WRITTEN):
        return True
    return all(_is_restored(entry) for entry in folder.iterdir())


def _is_restored(entry: Path) -> bool:
    if entry.suffix != ".jsonl" or not entry.is_file():
        return False
    with entry.open("rb") as file:
        return file.read(len(_RESTORED)) in {_RESTORED, b""}


def _paths(value: Any) -> Iterator[Path]:
    """Return what is there under the names in a value: files, folders, the folder of `DATASET#split`."""
    if isinstance(value, str | Path):
        for name in {str(value), str(value).partition("#")[0], str(value).partition("@")[0]} - {""}:
            with contextlib.suppress(OSError, ValueError):  # a text is no name
                if Path(name).exists():
                    yield Path(name)
        with contextlib.suppress(OSError, ValueError, OrelineError):
            yield from _bases(store.resolve(value))
    elif isinstance(value, Mapping):
        yield from _paths(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value[:1000]:  # a list may be rows as well as names
            yield from _paths(part)
    elif isinstance(path := getattr(value, "path", None), Path):  # an opened model or dataset
        yield path
        yield from _bases(path)


def _bases(folder: Path) -> Iterator[Path]:
    """Return the models that a model is no model without: those that its adapter, or one folded into it, belongs to."""
    if not (folder / store.MANIFEST).is_file():
        return
    for record in (folder / ADAPTER, *folder.glob(f"*/{ADAPTER}")):
        with contextlib.suppress(ArtifactError):  # none, or one that whoever reads the model will complain of
            yield from base_places(record.parent)
