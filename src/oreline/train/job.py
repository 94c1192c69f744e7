"""What a training method is handed, and what it hands back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from oreline import registry
from oreline.recipe import TrainOptions
from oreline.types import Columns, Event, Judged, OnEvent, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from oreline.train.workspace import Workspace

Score = Callable[[Task, "NDArray[Any]", Mapping[str, "NDArray[Any]"]], dict[str, float]]
"""`score(task, targets, outputs)` returns figures by name; handed in, since `train` does not import `evaluate`."""
VIEWS_OF_A_LAYER = ("classes", "labels", "numbers")
"""Kinds of answers that a layer over one vector a row can give."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one split: inputs by role, and targets as the head's loss takes them."""

    columns: Columns
    targets: NDArray[Any]
    """As the task encodes them, one each."""
    soft_NK: NDArray[np.float32] | None = None
    """What a loss over classes takes in place of `targets`: a share for each class."""
    weights_N: NDArray[np.float32] | None = None
    """What each row counts in the loss, with mean 1; None where all count the same."""

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, slots=True)
class Job:
    """One fine-tuning job."""

    task: Task
    start: Path | None
    train: Rows
    dev: Rows | None
    options: TrainOptions
    seed: int
    work: Workspace
    logs: Path
    score: Score
    resolved: Mapping[str, Any] | None
    """What an earlier run of the same job resolved on its machine; nothing in it is probed again."""
    on_event: OnEvent
    origin: Mapping[str, str] = field(default_factory=dict)
    """What the user called the start model, and its licence."""
    task_name: str = ""
    """Name of the task's plug."""
    held_out: NDArray[np.uint64] | None = None
    """Hashes of the inputs of rows that nothing may be learnt from: those of all splits but the one trained on."""
    unlabelled: Columns | None = None
    """Inputs of rows without a label, for methods that read more."""

    def say(self, message: str) -> None:
        """Tell the user one sentence; nothing where there is none."""
        if message:
            self.on_event(Event("train", message=message))


@dataclass(frozen=True, slots=True)
class Outcome:
    """A trained model, not yet written."""

    save: Callable[[Path], None]
    """Writes the model's files into a folder."""
    max_tokens: int
    dev_outputs: Mapping[str, NDArray[Any]] | None
    resolved: Mapping[str, Any]
    """What was decided on this machine, so that the job can be run again without probing."""
    measurements: Mapping[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    """Loss and dev figures by step: the learning curve."""
    task: Task | None = None
    """The task as training has completed it; None where it is the job's."""
    judged: Judged | None = None
    """Where a task's answers are judged by what they find: dev, so judged; `dev_outputs` are then None."""
    more_rows: NDArray[np.uint64] | None = None
    """Hashes of the inputs of rows that were trained on besides the job's."""
    warnings: Sequence[str] = ()
    """What the report warns of."""


def named_method(name: str, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the method that a name means, and its options: an adapter's name means the method `adapter` with it.

    Options that the method `adapter` does not have are then the adapter's own.

    >>> named_method("lora", {"rank": 2, "pooling": "mean"})
    ('adapter', {'adapter': 'lora', 'pooling': 'mean', 'adapter_options': {'rank': 2}})
    """
    wanted = name.replace("-", "_")
    if wanted in registry.names("method") or wanted not in registry.names("adapter"):
        return name, dict(options)
    known = {option.name for option in registry.options_of(registry.get("method", "adapter"))}
    own = {option: value for option, value in options.items() if option not in known}
    shared = {option: value for option, value in options.items() if option in known}
    chosen = {"adapter": wanted, **shared, "adapter_options": {**shared.get("adapter_options", {}), **own}}
    return "adapter", chosen


class Method(Protocol):
    """How a task is learnt: the plug of `train/methods`.

    A method that trains on no row says `trains = False`; one that knows classes without rows lists them in `labels`;
    one that reads rows in another way returns the task that does from `adapted(task)`; one whose models can answer with
    texts says `writes = True`; one that lets rows count by `Rows.weights_N` says `weighs = True`; one that reads one
    plain text a row and gives it one class, and can do no other, says `one_text = True`.
    """

    runtime: str
    """Name of the runtime that predicts with what it makes."""

    def train(self, job: Job) -> Outcome:
        """Train on `job.train`, choosing on `job.dev`."""
        ...
