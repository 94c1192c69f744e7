"""Signatures of rows that are in no stage, such as those of a split: worked out wherever the engine works."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import polars as pl

from oreline import registry
from oreline.data.duplicates.equal import inputs_of
from oreline.data.ledger import Notes
from oreline.data.running.clock import Clock
from oreline.data.running.engine import Engine, Item, Job
from oreline.data.running.steps import Step


class Signing:
    """Calls the `signatures` of operators for the frames that are given.

    Args:
        engine: where that is done.
        clock: told how long it took.
        name: what the clock calls it.
    """

    def __init__(self, engine: Engine, clock: Clock, name: str) -> None:
        self._engine, self._clock, self._name = engine, clock, name

    def __call__(self, plug: str, frames: Iterable[pl.DataFrame]) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Yield each frame with the signatures that an operator without options gives the texts of its rows.

        Args:
            plug: the operator's name.
            frames: rows with `row_id` and columns of texts.
        """
        given: deque[pl.DataFrame] = deque()

        def items() -> Iterator[Item]:
            for frame in frames:
                given.append(frame)
                yield frame.select("row_id", *inputs_of(frame.columns)), Notes()

        job = Job(signer=Step(self._name, registry.create("operator", plug), "whole"))
        for signatures, notes in self._engine.map(items(), job):
            self._clock.take(notes, counts=False)
            yield given.popleft(), signatures
