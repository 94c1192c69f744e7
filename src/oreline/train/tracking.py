"""Where a run's events go: `events.jsonl` always, and the trackers that the options name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline import registry
from oreline.recipe import TrainOptions
from oreline.types import Event, OnEvent

if TYPE_CHECKING:
    from oreline.plugs import Tracker
    from oreline.train.job import Job
    from oreline.train.workspace import Workspace


def logs_folder(out: str | Path, work: Workspace, options: TrainOptions) -> Path:
    """Return where trackers write: beside the artifact, which is immutable; without any, events wait in the work."""
    destination = Path(out).absolute()
    return destination.with_name(f"{destination.name}.logs") if options.track else work.folder / "logs"


@contextlib.contextmanager
def tracking(
    logs: Path | None, options: TrainOptions, config: Mapping[str, Any], *, first_step: int = 0
) -> Iterator[list[Tracker]]:
    """Open a run's trackers, none where `logs` is None, and close them whatever happens.

    Args:
        logs: the folder that they write into.
        options: names them, in `track`.
        config: what the run is, for those that keep it.
        first_step: steps that an earlier try has made and logged.
    """
    names = ["events", *(name for name in options.track if name != "events")] if logs is not None else []
    classes = [registry.get("tracker", name) for name in names]
    with contextlib.ExitStack() as opened:
        trackers = []
        for tracker in classes:
            one = tracker(logs, run_name=logs.name if logs else "", config=config, first_step=first_step)
            opened.callback(one.close)
            trackers.append(one)
        yield trackers


def log_once(job: Job, method: str, values: Mapping[str, float]) -> None:
    """Log a run of one step: what is fitted in one go has no others."""
    config = {"method": method, **job.options.model_dump(exclude={"track"})}
    with tracking(job.logs, job.options, config) as trackers:
        for tracker in trackers:
            tracker.log(1, values)


def noting(rates: dict[str, float], on_event: OnEvent) -> OnEvent:
    """Pass events on, and note the last speed that one told."""

    def pass_on(event: Event) -> None:
        for name in ("rows_per_s", "tokens_per_s", "gemm_share"):
            if name in event.values:
                rates[name] = round(event.values[name], 4)
        on_event(event)

    return pass_on
