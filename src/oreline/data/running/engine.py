"""Where frames are worked on: in this process, or wherever an engine sends them. What comes back is the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from oreline.data.ledger import Notes
from oreline.data.running.steps import Step, built, guarded, run_steps, unwatched
from oreline.errors import OrelineError

Item = tuple[pl.DataFrame, Notes]
"""Some rows, and what the ledger is to say of them."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is done to each frame: it goes through steps, or an operator works out signatures of its rows."""

    steps: tuple[Step, ...] = ()
    signer: Step | None = None
    """The operator whose `signatures` are wanted."""

    def done(self, item: Item, begins: Callable[[str], None] = unwatched) -> Item:
        """Work on one frame; `begins` is told each operator's name. Raises `OrelineError` as the operators do."""
        frame, notes = item
        if self.signer is None:
            return run_steps(frame, self.steps, notes, begins=begins), notes
        begins(self.signer.name)
        with notes.timing(self.signer.name, frame.height):
            signatures: pl.DataFrame = guarded(self.signer, frame, self.signer.operator.signatures)
        if signatures.height != frame.height:
            raise OrelineError(
                f"the operator {self.signer.name!r} gave {signatures.height} signatures for {frame.height} rows"
            )
        return signatures, notes

    @property
    def is_movable(self) -> bool:
        """Whether another process can do it."""
        return all(step.is_movable for step in (*self.steps, *([self.signer] if self.signer else [])))

    def told(self) -> str:
        """Return the job as JSON, for `heard` in another process."""
        signer = self.signer.made_of if self.signer else None
        return json.dumps({"steps": [step.made_of for step in self.steps], "signer": signer})

    @classmethod
    def heard(cls, text: str) -> Job:
        """Build a job from its JSON."""
        told = json.loads(text)
        return cls(tuple(built(made) for made in told["steps"]), built(told["signer"]) if told["signer"] else None)


class Engine(Protocol):
    """Sends frames through jobs and gives them back in their order, holding a bounded number of them."""

    def map(self, items: Iterable[Item], job: Job) -> Iterator[Item]:
        """Yield what the job makes of each item, in order. Raises what it raises for the first one that fails."""
        ...


class Here:
    """This process."""

    def map(self, items: Iterable[Item], job: Job) -> Iterator[Item]:
        """Yield what the job makes of each item."""
        return map(job.done, items)
