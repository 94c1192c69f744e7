"""What training will take, measured: the verb itself is begun on its own rows, and stopped before the first step.

Its forecast comes from the passes that it measures anyway (`train/foretell.py`). Raw data is refined into a temporary
folder, its first rows alone where there are many, and the forecast is scaled.
"""

from __future__ import annotations

import itertools
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline.api import build, names, together
from oreline.api.estimates import Estimated, num_rows, refined
from oreline.errors import OrelineError, UsageError
from oreline.types import Event

if TYPE_CHECKING:
    from oreline.data.dataset import Dataset

TRIAL_ROWS = 5000
"""Raw rows that are refined for it."""
_FORECAST = "forecast"


class _Stopped(Exception):
    """The training was stopped; `event` is its forecast, or None where it began to train without one."""

    def __init__(self, event: Event | None) -> None:
        super().__init__()
        self.event = event


def try_training(options: Mapping[str, Any], seed: int = 0) -> Estimated | None:
    """Begin a fine-tuning and return what it would take; None for a method that does not foretell it.

    Raises what the verb itself would raise before its first step.
    """
    if options.get("data") is None:
        raise UsageError("no data given", allowed="a file, a dataset folder, catalog:NAME, a frame or lists")
    with tempfile.TemporaryDirectory(prefix="oreline-dry-run-") as scratch:
        with _naming(options["data"], scratch):
            data, factor = _sample(options, seed, Path(scratch))
        given = {name: value for name, value in options.items() if name not in ("data", "out", "force", "on_event")}
        with _naming(options["data"], scratch):
            tried = _begun(build.finetune, {**given, "data": data, "out": Path(scratch) / "trial", "seed": seed})
        return tried.estimated(factor) if tried is not None else None


def try_together(options: Mapping[str, Any], seed: int = 0) -> Estimated:
    """Begin to train several tasks in one model, and return what that would take, with each task alone after it.

    Raises what the verb itself would raise before its first step.
    """
    from oreline.train.multitask import naming_task

    together.check(options["tasks"])
    with tempfile.TemporaryDirectory(prefix="oreline-dry-run-") as scratch:
        tasks, rows = {}, 0.0
        for name, described in options["tasks"].items():
            (Path(scratch) / name).mkdir()
            with naming_task(name), _naming(described["data"], scratch):
                data, factor = _sample(described, seed, Path(scratch) / name)
            tasks[name] = {**described, "data": data}
            rows += data.num_rows("train") * factor
        given = {name: value for name, value in options.items() if name not in ("out", "force", "on_event", "alone")}
        given |= {"tasks": tasks, "alone": False, "out": Path(scratch) / "trial", "seed": seed}
        tried = _begun(together.multitask, given)
        if tried is None:
            raise ValueError("several tasks are always foretold")
        times = 2 if options.get("alone", True) else 1
        found = tried.estimated(rows / tried.event.values["rows"], times)
        said = f"{len(tasks)} tasks, together" + (" and each alone" if times == 2 else "")
        return replace(found, note=f"{said}; {found.note}")


@dataclass(frozen=True, slots=True)
class _Tried:
    """What a training said before its first step."""

    event: Event
    spent_s: float
    """Until then."""
    said: list[str]

    def estimated(self, factor: float, times: int = 1) -> Estimated:
        """Return it for so many times as many rows, and for so many trainings of them."""
        told = self.event.values
        seconds = self.spent_s + times * (told["end_s"] + (told["whole_s"] - told["end_s"]) * factor)
        steps = round(told["steps"] * factor)
        notes = [*self.said, f"{steps:,} steps" if steps else "", "measured on its own rows"]
        if told["disk_bytes"]:
            notes.insert(1, f"{told['disk_bytes'] * factor / 2**30:.2f} GiB of disk for what the frozen layers return")
        rows, memory = round(told["rows"] * factor), int(told["memory_bytes"])
        return Estimated(rows, (seconds, seconds), memory, "; ".join(filter(None, notes)))


def _begun(verb: Callable[..., Any], options: Mapping[str, Any]) -> _Tried | None:
    """Begin a verb and stop it at its forecast; None where it begins to train without one."""
    said: list[str] = []
    begun = time.perf_counter()
    try:
        verb(**options, on_event=lambda event: _watch(event, said))
    except _Stopped as stopped:
        spent_s = time.perf_counter() - begun
        return _Tried(stopped.event, spent_s, said) if stopped.event is not None else None
    return None


@contextmanager
def _naming(data: Any, scratch: str) -> Iterator[None]:
    """Name what the user gave where an error names the folder that its first rows were refined into, or no file."""
    try:
        yield
    except OrelineError as error:
        given = str(data) if isinstance(data, str | Path) else "the data"
        error.where = re.sub(rf"{re.escape(scratch)}[^\s,#]*|^data(?=:|$)", lambda _: given, error.where)
        raise


def _watch(event: Event, said: list[str]) -> None:
    if event.stage == _FORECAST:
        raise _Stopped(event)
    if event.stage == "train" and event.step:
        raise _Stopped(None)
    if event.stage == "choose":
        said.append(event.message)


def _sample(options: Mapping[str, Any], seed: int, scratch: Path) -> tuple[Dataset, float]:
    """Return the dataset to try, and how many times as many rows there are."""
    from oreline.data.sources import frames

    data = options["data"]
    if refined(data)[0] is not None:
        return names.dataset(data), 1.0
    first = next(itertools.islice(frames(data, rows=TRIAL_ROWS), 1))
    columns = names.roles_of(
        options.get("roles"), **{role: options.get(role) for role in ("text", "label", "group", "time")}
    )
    roles = {**names.catalog_roles(data), **columns}
    found = names.dataset(first.drop("row_id"), roles=roles, seed=seed, runs=scratch)
    total = first.height if first.height < TRIAL_ROWS else num_rows(data, "train") or first.height
    return found, total / max(first.height, 1)
