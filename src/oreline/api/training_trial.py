"""What fine-tuning will take, measured: the verb itself is begun on its own rows, and stopped before the first step.

Its forecast comes from the passes that it measures anyway (`train/foretell.py`). Raw data is refined into a temporary
folder, its first rows alone where there are many, and the forecast is scaled.
"""

from __future__ import annotations

import itertools
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline.api import build, names
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
        said: list[str] = []
        begun = time.perf_counter()
        try:
            with _naming(options["data"], scratch):
                build.finetune(
                    data=data,
                    out=Path(scratch) / "trial",
                    seed=seed,
                    on_event=lambda event: _watch(event, said),
                    **given,
                )
        except _Stopped as stopped:
            spent_s = time.perf_counter() - begun
            return _estimated(stopped.event, spent_s, factor, said) if stopped.event is not None else None
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


def _estimated(event: Event, spent_s: float, factor: float, said: list[str]) -> Estimated:
    told = event.values
    seconds = spent_s + told["end_s"] + (told["whole_s"] - told["end_s"]) * factor
    steps = round(told["steps"] * factor)
    notes = [*said, f"{steps:,} steps" if steps else "", "measured on its own rows"]
    if told["disk_bytes"]:
        notes.insert(1, f"{told['disk_bytes'] * factor / 2**30:.2f} GiB of disk for what the frozen layers return")
    return Estimated(
        round(told["rows"] * factor), (seconds, seconds), int(told["memory_bytes"]), "; ".join(filter(None, notes))
    )
