"""Where a run in progress keeps its state: a folder beside its output, which one job claims.

It knows nothing of weights, so that a method without gradients needs no torch for it; `train/checkpoint.py` does.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oreline.store import translating, write_json

CHECKPOINT = "checkpoint.safetensors"
_ANSWERS = "*.npz"
"""What models that are finished have answered, where a method trains several."""
_JOB = "job.json"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder beside an output in which a run in progress keeps its state; it goes when the output is written."""

    folder: Path

    @classmethod
    def beside(cls, out: str | Path) -> Workspace:
        """Return the workspace of an output path."""
        destination = Path(out).absolute()
        return cls(destination.with_name(f".{destination.name}.work"))

    def claim(self, job: Mapping[str, Any]) -> bool:
        """Make the folder this job's; returns whether an earlier try at the same job left state to continue from.

        What another job left is removed: a checkpoint fits only the options and data it was made with.
        """
        described = json.loads(json.dumps(job, sort_keys=True, default=str))
        if self.read(_JOB) == described:
            return (self.folder / CHECKPOINT).is_file()
        self.remove()
        with translating(self.folder):
            self.folder.mkdir(parents=True)
        write_json(self.folder / _JOB, described)
        return False

    def differing(self, job: Mapping[str, Any]) -> list[str]:
        """Return in what a job differed whose checkpoint lies here (`train.epochs: 3, now 5`); empty without one."""
        before, now = self.read(_JOB), json.loads(json.dumps(job, sort_keys=True, default=str))
        if not isinstance(before, dict) or before == now or not (self.folder / CHECKPOINT).is_file():
            return []
        return list(_differences(before, now))

    def read(self, name: str) -> Any:
        """Return a JSON file's content, or None when it is missing."""
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def kept_for_continuing(self) -> Iterator[None]:
        """Delete the folder when what is done inside fails before there is anything to continue from."""
        try:
            yield
        except BaseException:
            if not any(any(self.folder.rglob(name)) for name in (CHECKPOINT, _ANSWERS)):
                self.remove()
            raise


def _differences(before: Mapping[str, Any], now: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """Yield what differs between two descriptions, with its place in them.

    >>> list(_differences({"a": {"b": 1}, "c": 0}, {"a": {"b": 2}, "c": 0}))
    ['a.b: 1, now 2']
    """
    for key in sorted({*before, *now}):
        old, new, name = before.get(key), now.get(key), f"{place}{key}"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _differences(old, new, f"{name}.")
        elif old != new:
            yield f"{name}: {str(old)[:40]}, now {str(new)[:40]}"
