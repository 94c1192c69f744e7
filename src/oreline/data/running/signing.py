"""Signatures of rows that are in no stage, such as those of a split: remembered, or worked out by the engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import groupby

import polars as pl

from oreline import registry
from oreline.data.duplicates.equal import inputs_of
from oreline.data.ledger import Notes
from oreline.data.running.clock import Clock
from oreline.data.running.engine import Engine, Item, Job
from oreline.data.running.signed import Signed
from oreline.data.running.steps import Step

_FEW = 0.2
"""Share of a frame's rows that are not worth sending anywhere."""
Looked = tuple[pl.DataFrame, pl.DataFrame | None]
"""Rows, and their signatures where they are known."""


class Signing:
    """Gives the `signatures` of operators for the frames that are given.

    Args:
        engine: where they are worked out.
        clock: told how long it took.
        name: what the clock calls it.
        signed: what the run remembers.
    """

    def __init__(self, engine: Engine, clock: Clock, name: str, signed: Signed | None = None) -> None:
        self._engine, self._clock, self._name = engine, clock, name
        self._signed = signed or Signed(max_bytes=0)

    def __call__(self, plug: str, frames: Iterable[pl.DataFrame]) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Yield each frame with the signatures that an operator without options gives the texts of its rows.

        Args:
            plug: the operator's name; of signatures with parts that are not by the texts, the others are left out.
            frames: rows with `row_id` and columns of texts.
        """
        step = Step(self._name, registry.create("operator", plug), "whole")
        looked = (self._looked(plug, step, frame) for frame in frames)
        for is_known, run in groupby(looked, lambda found: found[1] is not None):
            if is_known:
                yield from ((frame, signatures) for frame, signatures in run if signatures is not None)
            else:
                yield from self._worked_out(step, run)

    def _looked(self, plug: str, step: Step, frame: pl.DataFrame) -> Looked:
        """Return a frame with its signatures where most are remembered; the few others are worked out here."""
        is_known_N, known = self._signed.find(plug, frame)
        if known is None or is_known_N.sum() < (1 - _FEW) * frame.height:
            return frame, None
        if is_known_N.all():
            return frame, known
        is_known = pl.Series(is_known_N)
        found, notes = Job(signer=step).done((_asked(frame.filter(~is_known)), Notes()))
        self._clock.take(notes, counts=False)
        rest = _by_text(step, found)
        order = pl.concat([is_known.arg_true(), (~is_known).arg_true()]).arg_sort()
        return frame, pl.concat([known, rest]).select(pl.all().gather(order))

    def _worked_out(self, step: Step, looked: Iterable[Looked]) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        given: deque[pl.DataFrame] = deque()

        def items() -> Iterator[Item]:
            for frame, _ in looked:
                given.append(frame)
                yield _asked(frame), Notes()

        for signatures, notes in self._engine.map(items(), Job(signer=step)):
            self._clock.take(notes, counts=False)
            yield given.popleft(), _by_text(step, signatures)


def _asked(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select("row_id", *inputs_of(frame.columns))


def _by_text(step: Step, signatures: pl.DataFrame) -> pl.DataFrame:
    columns = getattr(step.operator, "by_text", None)
    return signatures.select(columns) if columns else signatures
