"""The verb `refine`: raw sources in, a Dataset out, with a ledger that balances."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from oreline.data.adding import INTO, added, refuse_without_train
from oreline.data.against import NAME as AGAINST
from oreline.data.against import Against
from oreline.data.chain import Shop, run_chain
from oreline.data.dataset import LEDGER, UNLABELLED, UNSPLIT, Dataset, DatasetManifest, seal
from oreline.data.dialogues import refuse_broken
from oreline.data.engine import Engine, Here
from oreline.data.fold import INPUT_ROLES, wide_hashes
from oreline.data.kept import Kept, kept_beside
from oreline.data.leaks import find_leaks
from oreline.data.ledger import Ledger
from oreline.data.pii.files import SPANS, Finds, finds_table
from oreline.data.reading import Book, Reading, Unlabelled
from oreline.data.shards import SplitWriter
from oreline.data.sources import Source, given_splits, sources
from oreline.data.split import Places, check_shares, places
from oreline.data.stage import Stage, conform, unified
from oreline.data.steps import Step, bind_models, steps_of
from oreline.data.summary import Tally, refine_report
from oreline.data.tagged import with_frame
from oreline.errors import DataError, UsageError
from oreline.registry import MADE_OF
from oreline.store import writing
from oreline.types import FRAME, Event, OnEvent, OpenModel, Operator, ignore

_TRAIN = ".train"


@dataclass(frozen=True, slots=True)
class Running:
    """How a refine runs; what comes out does not depend on it."""

    engine: Engine = field(default_factory=Here)
    memory_bytes: int = 2 << 30
    """Of all processes together, about."""
    cache: Path | None = None
    """A folder in which finished stages stay for other runs; without one they go when the run ends."""
    cache_bytes: int = 20 << 30
    """When a run ends, the stages that were not used for longest go until the rest take no more."""
    open_model: OpenModel | None = None
    """Opens the models that operators name."""


@dataclass
class _Run:
    """What one refine collects on its way."""

    folder: Path
    shop: Shop
    book: Book
    adders: list[Step]
    tally: Tally = field(default_factory=Tally)


def refine(
    source: Any,
    *,
    roles: Mapping[str, str] | None = None,
    operators: Sequence[tuple[str, Operator]],
    split: Mapping[str, float],
    out: str | Path,
    seed: int = 0,
    force: bool = False,
    against: Sequence[str | Path] = (),
    keep_unlabelled: bool = False,
    running: Running | None = None,
    on_event: OnEvent = ignore,
) -> Dataset:
    """Read, clean, divide and store raw data.

    Args:
        source: anything that `sources.frames` takes, or `{split name: source}` when the data are divided already. Rows
            given as `unlabelled` need no label, and one that they have is not kept.
        roles: source column of each role; a column whose name is a role needs none.
        operators: names and operators, in order.
        split: share of each split; empty leaves the rows together as the split `all`. Given splits stay as they
            are, and those named here that were not given are carved out of `train`. With a `time` column the
            splits follow time; otherwise they are drawn by `seed`, stratified by label, with rows of equal text
            or equal group together.
        out: the folder to write; it appears complete or not at all.
        seed: same data, options and seed: same bytes.
        force: replace `out` when it is there.
        against: files whose texts must not occur in the result; with given splits, not in `train`.
        keep_unlabelled: rows without a label become the split `unlabelled`; otherwise they are dropped.
        running: where it runs, what memory it takes, which stages of earlier runs it may use. A run that was killed
            goes on in any case, with the same call, after the last stage that it finished.
        on_event: told of progress.

    Raises:
        UsageError: an unknown role, an impossible share, an `out` that exists.
        DataError: a file, row or column that cannot be read, named.
        ResourceError: a full disk or missing permission.
        OrelineError: an operator loses or invents rows.
    """
    check_shares(split)
    _refuse_share(split)
    running = running or Running()
    steps, adders = _divided(steps_of(operators))
    bind_models([*steps, *adders], running.open_model)
    parts = _parts(source)
    refuse_without_train(adders, _ordered(split, _shares_of_parts(list(parts), dict(split))))
    chains = _chains(parts, steps, against, dict(roles or {}))
    with (
        writing(out, force=force) as folder,
        _stages_kept(out, running) as kept,
        Ledger(folder / LEDGER) as ledger,
    ):
        shop = Shop(ledger, kept, running.engine, running.memory_bytes, on_event)
        run = _Run(folder, shop, Book(dict(roles or {})), adders)
        stages = _run_chains(parts, chains, run, keep_unlabelled=keep_unlabelled)
        _refuse_nothing(stages, ledger)
        written = _write_splits(stages, dict(split), seed, run)
        counts = ledger.balance(sum(written.values()))
        ledger.close()
        options = {"operators": [name for name, _ in operators], "split": dict(split), "seed": seed}
        manifest = _seal(run, written, counts, options)
        on_event(Event("leaks"))
        leaks = find_leaks(folder, list(written))
        lineage = run.book.lineage[:-1]
        subject = {"fingerprint": manifest.fingerprint, "sources": [entry["source"] for entry in lineage]}
        report = refine_report(ledger, counts, run.tally, leaks, subject=subject)
        report.tables.extend(finds_table(folder))
        report.save(folder)
    return Dataset.open(out)


@contextlib.contextmanager
def _stages_kept(out: str | Path, running: Running) -> Iterator[Kept]:
    """Give the place of the stages: the cache, or a folder beside the output that goes with the end of the run."""
    if running.cache is None:
        with kept_beside(out) as kept:
            yield kept
        return
    kept = Kept(running.cache, max_bytes=running.cache_bytes)
    try:
        yield kept
    finally:
        kept.close()


def _divided(steps: Sequence[Step]) -> tuple[list[Step], list[Step]]:
    """Return the steps before the split, and those that add rows after it."""
    return [step for step in steps if step.kind != "add"], [step for step in steps if step.kind == "add"]


def _run_chains(
    parts: Mapping[str, list[Source]], chains: Mapping[str, list[Step]], run: _Run, *, keep_unlabelled: bool
) -> dict[str, Stage]:
    """Return the rows that remain of each part."""
    labelled = [name for name in parts if name != UNLABELLED]
    readings = {name: Reading(parts[name], run.book, sets_aside=keep_unlabelled) for name in labelled}
    found = {name: run_chain(readings[name], chains[name], run.shop) for name in labelled}
    stages = {name: stage for name, (stage, _) in found.items()}
    others = list(readings.values())
    if UNLABELLED in parts or any(other.aside is not None and other.aside.num_rows for other in others):
        own = Reading(parts.get(UNLABELLED, []), run.book, sets_aside=False, needs_label=False)
        rows = Unlabelled(others, own)
        stages[UNLABELLED], _ = run_chain(rows, chains[UNLABELLED], run.shop)
    return stages


def _refuse_share(split: Mapping[str, float]) -> None:
    if UNLABELLED in split:
        raise UsageError(
            f"the split {UNLABELLED!r} has no share: it is of the rows without a label",
            allowed="keep_unlabelled, or a source of its own: unlabelled=FILE",
        )


def _refuse_nothing(stages: Mapping[str, Stage], ledger: Ledger) -> None:
    if not any(stage.num_alive for name, stage in stages.items() if name != UNLABELLED):
        reasons = [
            f"{rows} {why} ({operator})" for (operator, what, why), rows in ledger.reasons.items() if what == "dropped"
        ]
        if aside := stages[UNLABELLED].num_alive if UNLABELLED in stages else 0:
            reasons.append(f"{aside} without a label")
        raise DataError(
            f"no row is left of {ledger.rows_in.total()}: {', '.join(reasons)}",
            where=", ".join(ledger.rows_in),
            remedy="check the roles of the columns, and the options of the operators that dropped them",
        )


def _parts(source: Any) -> dict[str, list[Source]]:
    """Return the sources of each given split, or of the one part `all`; row ids are distinct over all of them."""
    given = given_splits(source)
    if given is None:
        return {UNSPLIT: sources(source)}
    check_shares(dict.fromkeys(given, 1 / len(given)))
    parts = {name: sources(part) for name, part in given.items()}
    names = [part.name for found in parts.values() for part in found]
    if len(set(names)) == len(names):
        return parts
    return {name: [replace(part, name=f"{name}/{part.name}") for part in found] for name, found in parts.items()}


def _chains(
    parts: Mapping[str, Any],
    steps: Sequence[Step],
    against: Sequence[str | Path],
    roles: Mapping[str, str],
) -> dict[str, list[Step]]:
    """Return the steps for each part; `against` guards what is learnt from, or all where no part is `train`."""
    chains = {name: list(steps) for name in (*parts, UNLABELLED)}
    if against:
        edits = [step for step in steps if step.kind == "edit" and not step.learns]
        guard = Against(against, roles, [step.operator for step in edits])
        if all(isinstance(item, str | Path) for item in against):
            options = {"files": list(map(str, against)), "roles": dict(roles), "edits": [s.made_of for s in edits]}
            setattr(guard, MADE_OF, (AGAINST, options))
        for name in chains:
            if name in ("train", UNLABELLED) or "train" not in parts:
                chains[name].append(Step(AGAINST, guard, "whole"))
    return chains


def _write_splits(stages: Mapping[str, Stage], shares: dict[str, float], seed: int, run: _Run) -> dict[str, int]:
    """Write every row into its split and return the number of rows in each."""
    schema: dict[str, pl.DataType] = {}
    for stage in stages.values():
        schema = unified(schema, stage.schema)
    if {"label", "tags"} <= set(schema):
        schema[FRAME] = pl.String()
    schema.pop(SPANS, None)
    shares_of = _shares_of_parts(list(stages), shares)
    with contextlib.ExitStack() as stack:
        finds = stack.enter_context(Finds(run.folder))
        writers = {
            name: stack.enter_context(SplitWriter(run.folder / name, schema)) for name in _ordered(shares, shares_of)
        }
        learnt_from = stack.enter_context(Stage(run.folder / _TRAIN)) if run.adders else None
        for part, stage in stages.items():
            names = list(shares_of[part])
            for frame, places_N in _placed(stage, shares_of[part], seed):
                for index in np.unique(places_N):
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


def _write(frame: pl.DataFrame, split: str, writers: Mapping[str, SplitWriter], run: _Run) -> None:
    rows = conform(with_frame(frame), writers[split].schema)
    refuse_broken(rows)
    writers[split].append(rows)
    run.tally.add(split, rows)


def _shares_of_parts(parts: Sequence[str], shares: dict[str, float]) -> dict[str, dict[str, float]]:
    """Return, for each part that was given, which splits it is divided into."""
    if list(parts) == [UNSPLIT]:
        return {UNSPLIT: shares or {UNSPLIT: 1.0}}
    if UNLABELLED in parts:
        labelled = [name for name in parts if name != UNLABELLED]
        return {**_shares_of_parts(labelled, shares), UNLABELLED: {UNLABELLED: 1.0}}
    whole = {name: {name: 1.0} for name in parts}
    lacking = {name: share for name, share in shares.items() if name not in parts}
    if lacking and "train" in parts and "train" in shares:
        kept = shares["train"] + sum(lacking.values())
        whole["train"] = {name: share / kept for name, share in {"train": shares["train"], **lacking}.items()}
    return whole


def _ordered(shares: Mapping[str, float], shares_of: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the names of all splits: in the order of the shares, given ones that have no share last."""
    filled = {name: None for own in shares_of.values() for name in own}
    return [*(name for name in shares if name in filled), *(name for name in filled if name not in shares)]


def _placed(stage: Stage, shares: Mapping[str, float], seed: int) -> Iterator[tuple[pl.DataFrame, Places]]:
    """Yield the rows of a stage with the index of each row's split."""
    if len(shares) == 1:
        yield from ((frame, np.zeros(frame.height, np.int64)) for frame in stage.frames())
        return
    keys = []
    for frame in stage.frames():
        inputs = [role for role in INPUT_ROLES if role in frame.columns]
        hashes = wide_hashes(frame, inputs) if inputs else wide_hashes(frame, ["row_id"])
        others = [role for role in ("label", "group", "time") if role in frame.columns]
        keys.append(pl.DataFrame([*frame.select(others), hashes["hash_high"]]))
    places_N = places(pl.concat(keys), shares, seed=seed) if keys else np.zeros(0, np.int64)
    done = 0
    for frame in stage.frames():
        yield frame, places_N[done : done + frame.height]
        done += frame.height


def _seal(run: _Run, written: dict[str, int], counts: dict[str, int], options: dict[str, Any]) -> DatasetManifest:
    first = next(iter(written))
    schema = pl.read_parquet_schema(run.folder / first / "00000.parquet")
    run.book.lineage.append({"verb": "refine", "options": options})
    return seal(
        run.folder,
        DatasetManifest(
            columns={name: str(dtype) for name, dtype in schema.items()},
            roles=run.book.bound,
            splits=written,
            split_order=list(written),
            counts=counts,
            lineage=run.book.lineage,
        ),
    )
