"""Divide the rows that remain among the splits, and write them.

Shape suffixes: N rows.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from oreline.data.augment.held_out import HeldOut
from oreline.data.dataset import UNLABELLED, UNSPLIT
from oreline.data.duplicates.together import Together
from oreline.data.external.spool import Spool
from oreline.data.fold import INPUT_ROLES, wide_hashes
from oreline.data.forms.dialogues import refuse_broken
from oreline.data.forms.tagged import with_frame
from oreline.data.labels.label_steps import by_split, has_label
from oreline.data.labels.review import NOTES, ReviewWriter
from oreline.data.pii.files import SPANS, Finds
from oreline.data.reporting.summary import Tally
from oreline.data.running.adding import INTO, added
from oreline.data.running.chain import Shop
from oreline.data.running.reading import Book
from oreline.data.running.shards import SplitWriter
from oreline.data.running.signing import Signing
from oreline.data.running.stage import Stage, conform, unified
from oreline.data.running.steps import Step
from oreline.data.split.places import Places, Placing
from oreline.errors import UsageError
from oreline.types import FRAME, Event

SPLIT = "split"
"""What the ledger calls the rows that the gap between splits takes."""
_TRAIN = ".train"
_SHARES = 8
"""Of the run's memory, one is for what is held of all rows while they are divided."""


@dataclass(frozen=True, slots=True)
class Splitting:
    """How rows are divided."""

    shares: dict[str, float]
    seed: int = 0
    together: tuple[str, ...] = ()
    gap_us: int = 0
    by_time: bool = True
    """Whether a column `time` decides; not where it is there by name only and groups or `together` were asked for."""


@dataclass
class Run:
    """What one refine collects on its way."""

    folder: Path
    shop: Shop
    book: Book
    adders: list[Step]
    tally: Tally = field(default_factory=Tally)
    notes: ReviewWriter = field(default_factory=ReviewWriter)


def write_splits(stages: Mapping[str, Stage], splitting: Splitting, run: Run) -> dict[str, int]:
    """Write every row into its split and return the number of rows in each."""
    schema: dict[str, pl.DataType] = {}
    for stage in stages.values():
        schema = unified(schema, stage.schema)
    if {"label", "tags"} <= set(schema):
        schema[FRAME] = pl.String()
    for noted in (SPANS, NOTES):
        schema.pop(noted, None)
    run.book.bound.update({role: role for role in ("label", "weight") if role in schema and role not in run.book.bound})
    shares_of = shares_of_parts(list(stages), splitting.shares)
    with contextlib.ExitStack() as stack:
        stack.enter_context(run.shop.clock.timing(SPLIT, sum(stage.num_alive for stage in stages.values())))
        finds = stack.enter_context(Finds(run.folder))
        splits = _Splits(stack, run, schema)
        for name in ordered(splitting.shares, shares_of):
            splits.writer(name)
        learnt_from = stack.enter_context(Stage(run.folder / _TRAIN)) if run.adders else None
        held_out = HeldOut()
        for part, stage in stages.items():
            names = list(shares_of[part])
            for frame, places_N in _placed(stage, replace(splitting, shares=shares_of[part]), run):
                purged = frame.filter(pl.Series(places_N < 0)).select("row_id", reason=pl.lit("purge_gap"))
                run.shop.ledger.write(SPLIT, "dropped", purged)
                for split, some in by_split(run.notes.take(frame), part, names, places_N):
                    rows = finds.taken(split, some)
                    if learnt_from is not None and split == INTO:
                        learnt_from.append(rows)
                    elif learnt_from is not None and split != UNLABELLED:
                        held_out.take(rows)
                    splits.write(split, rows)
                run.shop.on_event(Event("write", step=run.tally.rows.total()))
        if learnt_from is not None:
            learnt_from.close()
            for rows, notes in added(learnt_from, run.adders, held_out, run.shop.ledger, run.shop.clock):
                splits.write(INTO, rows)
                run.shop.ledger.take(notes)
            shutil.rmtree(run.folder / _TRAIN)
    return splits.counts()


class _Splits:
    """The files of all splits while they are written."""

    def __init__(self, stack: contextlib.ExitStack, run: Run, schema: dict[str, pl.DataType]) -> None:
        self._stack, self._run, self._schema = stack, run, schema
        self._writers: dict[str, SplitWriter] = {}

    def writer(self, split: str) -> SplitWriter:
        """Return what writes a split, begun when it is first asked for."""
        if split not in self._writers:
            writer = SplitWriter(self._run.folder / split, self._schema)
            self._writers[split] = self._stack.enter_context(writer)
        return self._writers[split]

    def write(self, split: str, frame: pl.DataFrame) -> None:
        """Write rows of a split, and count them."""
        rows = conform(with_frame(frame), self._schema)
        refuse_broken(rows)
        self.writer(split).append(rows)
        self._run.tally.add(split, rows)

    def counts(self) -> dict[str, int]:
        """Return the rows of each split, empty ones too."""
        self._run.tally.rows.update(dict.fromkeys(self._writers, 0))
        return {name: writer.num_rows for name, writer in self._writers.items()}


def shares_of_parts(parts: Sequence[str], shares: dict[str, float]) -> dict[str, dict[str, float]]:
    """Return, for each part that was given, which splits it is divided into."""
    if list(parts) == [UNSPLIT]:
        return {UNSPLIT: shares or {UNSPLIT: 1.0}}
    if UNLABELLED in parts:
        labelled = [name for name in parts if name != UNLABELLED]
        return {**shares_of_parts(labelled, shares), UNLABELLED: {UNLABELLED: 1.0}}
    whole = {name: {name: 1.0} for name in parts}
    lacking = {name: share for name, share in shares.items() if name not in parts}
    if lacking and "train" in parts and "train" in shares:
        kept = shares["train"] + sum(lacking.values())
        whole["train"] = {name: share / kept for name, share in {"train": shares["train"], **lacking}.items()}
    return whole


def ordered(shares: Mapping[str, float], shares_of: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the names of all splits: in the order of the shares, given ones that have no share last."""
    filled = {name: None for own in shares_of.values() for name in own}
    return [*(name for name in shares if name in filled), *(name for name in filled if name not in shares)]


def _placed(stage: Stage, splitting: Splitting, run: Run) -> Iterator[tuple[pl.DataFrame, Places]]:
    """Yield the rows of a stage with the index of each row's split; -1 where it falls into the gap between two.

    Rows without a label are in none; what stands for them is 0.
    """
    shares = splitting.shares
    if len(shares) == 1:
        yield from ((frame, np.zeros(frame.height, np.int64)) for frame in stage.frames())
        return
    places = _places(stage, splitting, run)
    begin = 0
    for frame in stage.frames():
        is_placed_N = has_label(frame)
        count = int(is_placed_N.sum())
        own_N = np.zeros(frame.height, np.int64)
        own_N[is_placed_N] = places.part(begin, count)
        begin += count
        yield frame, own_N


def _places(stage: Stage, splitting: Splitting, run: Run) -> Spool:
    """Return the split of each row that has a label; what it takes to know is let go of before anything is written."""
    max_bytes = run.shop.memory_bytes // _SHARES // (2 if splitting.together else 1)
    placing, ways = Placing(max_bytes=max_bytes), Together(splitting.together, max_bytes=max_bytes)
    wanted = ("label", "group", "time") if splitting.by_time else ("label", "group")
    for frame, hashes in _hashed(stage, run):
        others = [role for role in wanted if role in frame.columns]
        placing.add(pl.DataFrame([*frame.select(others), hashes["hash_high"]]))
        ways.add(frame)
    if splitting.gap_us and placing.num_rows and not placing.is_by_time:
        raise UsageError(
            "a gap is of time, and the rows have no time", remedy="name its column: --time COLUMN, or leave the gap out"
        )
    together, alarms = ways.clusters(splitting.shares)
    run.shop.ledger.alarms.extend(alarms)
    return placing.places(splitting.shares, seed=splitting.seed, gap_us=splitting.gap_us, together=together)


def _hashed(stage: Stage, run: Run) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield the rows of a stage that have a label, and a hash of what each is told by: its texts, or its id."""
    frames = map(_labelled, stage.frames())
    if not any(role in stage.schema for role in INPUT_ROLES):
        yield from ((frame, wide_hashes(frame, ["row_id"])) for frame in frames)
        return
    yield from Signing(run.shop.engine, run.shop.clock, SPLIT, run.shop.signed)("dedup_exact", frames)


def _labelled(frame: pl.DataFrame) -> pl.DataFrame:
    is_labelled_N = has_label(frame)
    return frame if is_labelled_N.all() else frame.filter(pl.Series(is_labelled_N))
