"""The verb `refine`: raw sources in, a Dataset out, with a ledger that balances."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from oreline.data.account import account
from oreline.data.against import NAME as AGAINST
from oreline.data.against import Against
from oreline.data.chain import kind_of, run_chain
from oreline.data.datacard import write_card
from oreline.data.dataset import LEDGER, UNLABELLED, UNSPLIT, Dataset, DatasetManifest, seal
from oreline.data.dialogues import refuse_broken
from oreline.data.fold import INPUT_ROLES, wide_hashes
from oreline.data.intake import Intake
from oreline.data.leaks import find_leaks
from oreline.data.ledger import Ledger
from oreline.data.roles import bind, take_in
from oreline.data.shards import SplitWriter
from oreline.data.sources import Source, given_splits, sources
from oreline.data.split import Places, check_shares, places
from oreline.data.stage import Stage, conform, unified
from oreline.data.summary import Tally, refine_report
from oreline.data.tagged import with_frame
from oreline.errors import DataError, UsageError
from oreline.store import file_sha256, writing
from oreline.types import FRAME, Event, OnEvent, Operator, ignore

_STAGES = ".stages"


@dataclass
class _Run:
    """What one refine collects on its way."""

    folder: Path
    ledger: Ledger
    roles: dict[str, str]
    on_event: OnEvent
    bound: dict[str, str] = field(default_factory=dict)
    """Source column of each role, those found by name included."""
    lineage: list[dict[str, Any]] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    intake: Intake = field(default_factory=Intake)


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
        on_event: told of progress.

    Raises:
        UsageError: an unknown role, an impossible share, an `out` that exists.
        DataError: a file, row or column that cannot be read, named.
        ResourceError: a full disk or missing permission.
        OrelineError: an operator loses or invents rows.
    """
    check_shares(split)
    _refuse_share(split)
    for name, operator in operators:
        kind_of(name, operator)
    parts = _parts(source)
    chains = _chains(parts, operators, against, dict(roles or {}))
    with writing(out, force=force) as folder, Ledger(folder / LEDGER) as ledger:
        run = _Run(folder, ledger, dict(roles or {}), on_event)
        with Stage(folder / _STAGES / "aside") as aside:
            stages = {
                name: run_chain(
                    _taken_in(part, run, aside if keep_unlabelled else None),
                    chains[name],
                    ledger,
                    folder / _STAGES / name,
                    on_event,
                )
                for name, part in parts.items()
                if name != UNLABELLED
            }
        if aside.num_rows or UNLABELLED in parts:
            more = itertools.chain(aside.frames(), _taken_in(parts.get(UNLABELLED, ()), run, None, needs_label=False))
            stages[UNLABELLED] = run_chain(more, chains[UNLABELLED], ledger, folder / _STAGES / UNLABELLED, on_event)
        _refuse_nothing(stages, ledger)
        written = _write_splits(stages, dict(split), seed, run)
        counts = ledger.balance(sum(written.values()))
        ledger.close()
        shutil.rmtree(folder / _STAGES)
        options = {"operators": [name for name, _ in operators], "split": dict(split), "seed": seed}
        manifest = _seal(run, written, counts, options)
        on_event(Event("leaks"))
        leaks = find_leaks(folder, list(written))
        subject = {"fingerprint": manifest.fingerprint, "sources": [entry["source"] for entry in run.lineage[:-1]]}
        told = account(folder, run.intake, run.tally, run.lineage[:-1], operators)
        report = refine_report(ledger, counts, run.tally, leaks, subject=subject, account=told)
        report.save(folder)
        write_card(folder, manifest, report)
    return Dataset.open(out)


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
    operators: Sequence[tuple[str, Operator]],
    against: Sequence[str | Path],
    roles: Mapping[str, str],
) -> dict[str, list[tuple[str, Operator]]]:
    """Return the operators for each part; `against` guards what is learnt from, or all where no part is `train`."""
    chains = {name: list(operators) for name in (*parts, UNLABELLED)}
    if against:
        edits = [operator for name, operator in operators if kind_of(name, operator) == "edit"]
        guard = Against(against, roles, edits)
        for name in chains:
            if name in ("train", UNLABELLED) or "train" not in parts:
                chains[name].append((AGAINST, guard))
    return chains


def _taken_in(
    part: Sequence[Source], run: _Run, aside: Stage | None, *, needs_label: bool = True
) -> Iterator[pl.DataFrame]:
    """Yield the frames of all sources with columns named by role; rows without text or label go to the ledger.

    Those without a label go to `aside` where there is one. Where no label is needed, none is kept.
    """
    for source in part:
        bound: dict[str, str] | None = None
        num_rows = 0
        for frame in source.frames():
            if bound is None:
                bound = _bound(frame.columns[1:], source, run, needs_label=needs_label)
            num_rows += frame.height
            keeps = aside is not None or not needs_label
            named = take_in(frame, bound, source.place, run.ledger, needs_label=not keeps)
            if not needs_label:
                named = named.with_columns(pl.lit(None, dtype=pl.String).alias("label"))
            elif aside is not None and "label" in named.columns:
                if (unlabelled := named.filter(pl.col("label").is_null())).height:
                    aside.append(unlabelled)
                named = named.filter(pl.col("label").is_not_null())
            run.intake.add(named)
            yield named
        entry: dict[str, Any] = {"source": source.name, "rows": num_rows}
        run.lineage.append({**entry, "sha256": file_sha256(source.path)} if source.path else entry)


def _bound(columns: Sequence[str], source: Source, run: _Run, *, needs_label: bool = True) -> dict[str, str]:
    """Find the roles of a source's columns. Raises `DataError` unless all sources have the roles that split rows.

    Of rows that need no label, the inputs are enough.
    """
    if not needs_label:
        wanted = {role: column for role, column in run.roles.items() if column in columns or role in INPUT_ROLES}
        return bind(columns, wanted, source.place)
    decisive = ("text", "label", "tags", "answers", "group", "time")
    bound = bind(columns, run.roles, source.place)
    if run.bound and (differing := [role for role in decisive if (role in bound) != (role in run.bound)]):
        role = differing[0]
        raise DataError(
            f"{'only' if role in bound else 'not'} this source has a column for the role {role}",
            where=source.place,
            allowed=f"columns of {', '.join(run.bound)} in every source",
            remedy="rename the column, or leave it out everywhere",
        )
    run.bound.update(bound)
    return bound


def _write_splits(stages: Mapping[str, Stage], shares: dict[str, float], seed: int, run: _Run) -> dict[str, int]:
    """Write every row into its split and return the number of rows in each."""
    schema: dict[str, pl.DataType] = {}
    for stage in stages.values():
        schema = unified(schema, stage.schema)
    if {"label", "tags"} <= set(schema):
        schema[FRAME] = pl.String()
    shares_of = _shares_of_parts(list(stages), shares)
    with contextlib.ExitStack() as stack:
        writers = {
            name: stack.enter_context(SplitWriter(run.folder / name, schema)) for name in _ordered(shares, shares_of)
        }
        for part, stage in stages.items():
            names = list(shares_of[part])
            for frame, places_N in _placed(stage, shares_of[part], seed):
                for index in np.unique(places_N):
                    rows = conform(with_frame(frame.filter(pl.Series(places_N == index))), schema)
                    refuse_broken(rows)
                    writers[names[index]].append(rows)
                    run.tally.add(names[index], rows)
                run.on_event(Event("write", step=run.tally.rows.total()))
    run.tally.rows.update(dict.fromkeys(writers, 0))
    return {name: writer.num_rows for name, writer in writers.items()}


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
    run.lineage.append({"verb": "refine", "options": options})
    return seal(
        run.folder,
        DatasetManifest(
            columns={name: str(dtype) for name, dtype in schema.items()},
            roles=run.bound,
            splits=written,
            split_order=list(written),
            counts=counts,
            lineage=run.lineage,
        ),
    )
