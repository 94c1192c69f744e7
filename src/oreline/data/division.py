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

from oreline.data.adding import INTO, added
from oreline.data.chain import Shop
from oreline.data.dataset import UNLABELLED, UNSPLIT
from oreline.data.dialogues import refuse_broken
from oreline.data.fold import INPUT_ROLES, wide_hashes
from oreline.data.pii.files import SPANS, Finds
from oreline.data.reading import Book
from oreline.data.shards import SplitWriter
from oreline.data.split import Places, places
from oreline.data.stage import Stage, conform, unified
from oreline.data.steps import Step
from oreline.data.summary import Tally
from oreline.data.tagged import with_frame
from oreline.data.together import Together
from oreline.types import FRAME, Event

SPLIT = "split"
"""What the ledger calls the rows that the gap between splits takes."""
_TRAIN = ".train"


@dataclass(frozen=True, slots=True)
class Splitting:
    """How rows are divided."""

    shares: dict[str, float]
    seed: int = 0
    together: tuple[str, ...] = ()
    gap_us: int = 0


@dataclass
class Run:
    """What one refine collects on its way."""

    folder: Path
    shop: Shop
    book: Book
    adders: list[Step]
    tally: Tally = field(default_factory=Tally)


def write_splits(stages: Mapping[str, Stage], splitting: Splitting, run: Run) -> dict[str, int]:
    """Write every row into its split and return the number of rows in each."""
    shares = splitting.shares
    schema: dict[str, pl.DataType] = {}
    for stage in stages.values():
        schema = unified(schema, stage.schema)
    if {"label", "tags"} <= set(schema):
        schema[FRAME] = pl.String()
    schema.pop(SPANS, None)
    shares_of = shares_of_parts(list(stages), shares)
    with contextlib.ExitStack() as stack:
        finds = stack.enter_context(Finds(run.folder))
        writers = {
            name: stack.enter_context(SplitWriter(run.folder / name, schema)) for name in ordered(shares, shares_of)
        }
        learnt_from = stack.enter_context(Stage(run.folder / _TRAIN)) if run.adders else None
        for part, stage in stages.items():
            names = list(shares_of[part])
            for frame, places_N in _placed(stage, replace(splitting, shares=shares_of[part]), run):
                purged = frame.filter(pl.Series(places_N < 0)).select("row_id", reason=pl.lit("purge_gap"))
                run.shop.ledger.write(SPLIT, "dropped", purged)
                for index in np.unique(places_N[places_N >= 0]):
                    rows = finds.taken(names[index], frame.filter(pl.Series(places_N == index)))
                    if learnt_from is not None and names[index] == INTO:
                        learnt_from.append(rows)
                    _write(rows, names[index], writers, run)
                run.shop.on_event(Event("write", step=run.tally.rows.total()))
        if learnt_from is not None:
            learnt_from.close()
            for rows, notes in added(learnt_from, run.adders):
                _write(rows, INTO, writers, run)
                run.shop.ledger.take(notes)
            shutil.rmtree(run.folder / _TRAIN)
    run.tally.rows.update(dict.fromkeys(writers, 0))
    return {name: writer.num_rows for name, writer in writers.items()}


def _write(frame: pl.DataFrame, split: str, writers: Mapping[str, SplitWriter], run: Run) -> None:
    rows = conform(with_frame(frame), writers[split].schema)
    refuse_broken(rows)
    writers[split].append(rows)
    run.tally.add(split, rows)


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
    """Yield the rows of a stage with the index of each row's split; -1 where it falls into the gap between two."""
    shares = splitting.shares
    if len(shares) == 1:
        yield from ((frame, np.zeros(frame.height, np.int64)) for frame in stage.frames())
        return
    keys = []
    ways = Together(splitting.together)
    for frame in stage.frames():
        inputs = [role for role in INPUT_ROLES if role in frame.columns]
        hashes = wide_hashes(frame, inputs) if inputs else wide_hashes(frame, ["row_id"])
        others = [role for role in ("label", "group", "time") if role in frame.columns]
        keys.append(pl.DataFrame([*frame.select(others), hashes["hash_high"]]))
        ways.add(frame)
    codes, alarms = ways.columns(shares)
    run.shop.ledger.alarms.extend(alarms)
    everything = pl.concat(keys).with_columns(**codes) if keys else pl.DataFrame({"hash_high": []})
    places_N = places(everything, shares, seed=splitting.seed, gap_us=splitting.gap_us)
    done = 0
    for frame in stage.frames():
        yield frame, places_N[done : done + frame.height]
        done += frame.height
