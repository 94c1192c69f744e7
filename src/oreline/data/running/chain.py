"""Send rows through operators: those that see a frame at a time while streaming, those that see all rows between."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from oreline.data.columnar import ParquetFile, row_groups
from oreline.data.duplicates.drops import DROPS
from oreline.data.ledger import Ledger, Notes
from oreline.data.running.clock import Clock
from oreline.data.running.engine import Engine, Here, Item, Job
from oreline.data.running.kept import EMPTIED, Kept, chained, signed_key
from oreline.data.running.reading import Rows
from oreline.data.running.signed import Prints, Signed, watched
from oreline.data.running.stage import Stage
from oreline.data.running.steps import STREAMING, Step, named_by, with_learnt
from oreline.errors import OrelineError
from oreline.types import Event, OnEvent, ignore

KEPT_LEDGER = "ledger.parquet"
_ROWS = "rows"
_DROPS = "drops.parquet"
_SIGNATURES, _PRINTS = "signatures.parquet", "prints.npy"


@dataclass
class Shop:
    """What chains are run with."""

    ledger: Ledger
    kept: Kept
    engine: Engine = field(default_factory=Here)
    memory_bytes: int = 2 << 30
    """Of all processes together; operators that see all rows may take half of it."""
    on_event: OnEvent = ignore
    clock: Clock = field(default_factory=Clock)
    signed: Signed = field(init=False)
    """Signatures of this run."""

    def __post_init__(self) -> None:
        self.signed = Signed(max_bytes=self.memory_bytes // 16)


class _Again:
    """The rows of a stage, for the next pass."""

    key = ""

    def __init__(self, stage: Stage | None) -> None:
        self._stage = stage

    @property
    def stage(self) -> Stage:
        """The rows. Raises `OrelineError` where only what came of them is left, and is to be used."""
        if self._stage is None:
            raise OrelineError("the rows of a stage are not there any more", remedy="this is a mistake in Oreline")
        return self._stage

    def items(self, folder: Path) -> Iterator[Item]:
        yield from ((frame, Notes()) for frame in self.stage.frames())

    def found(self) -> dict[str, Any]:
        return {}

    def recall(self, found: Any) -> None:
        pass

    def placed(self, folder: Path) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Pass:
    """Operators that see a frame at a time, then those that see all rows of what the others left."""

    streaming: list[Step]
    key: str
    wholes: list[tuple[Step, str]]


def run_chain(rows: Rows, steps: Sequence[Step], shop: Shop) -> tuple[Stage, str]:
    """Send rows through steps in order; return those that remain, on disk, and the key of what they are made of."""
    passes = _planned(rows.key, steps)
    stage, before = None, None
    for number, own in enumerate(passes):
        folder = _streamed(rows, own, shop, is_kept=_is_kept(passes[number:], shop))
        if before is not None:
            shop.kept.empty(before, _ROWS)
        stage = None if EMPTIED in shop.kept.facts(folder) else Stage.open(folder / _ROWS)
        for step, key in own.wholes:
            _drop_whole(stage, step, shop, key)
        rows, before = _Again(stage), folder
    if stage is None:
        raise OrelineError("the last stage of a chain has no rows", remedy="this is a mistake in Oreline")
    last = passes[-1]
    return stage, last.wholes[-1][1] if last.wholes else last.key


def _planned(key: str, steps: Sequence[Step]) -> list[_Pass]:
    """Return the passes that steps make, with the keys of what each leaves."""
    rest = list(steps)
    passes: list[_Pass] = []
    while rest or not passes:
        streaming = _next_pass(rest, is_first=not passes)
        rest = rest[len(streaming) :]
        own = _Pass(streaming, key := chained(key, streaming), [])
        while rest and rest[0].kind == "whole":
            step = rest.pop(0)
            own.wholes.append((step, key := chained(key, [step])))
        passes.append(own)
    return passes


def _is_kept(passes: Sequence[_Pass], shop: Shop) -> bool:
    """Whether an earlier run left the rows after the first of some passes, or else what came of them."""
    if not passes or (folder := shop.kept.find(passes[0].key)) is None:
        return False
    if EMPTIED not in shop.kept.facts(folder):
        return True
    return all(shop.kept.find(key) is not None for _, key in passes[0].wholes) and _is_kept(passes[1:], shop)


def _next_pass(rest: Sequence[Step], *, is_first: bool) -> list[Step]:
    """Return the steps that rows go through before they are stored: up to one that needs all rows, or was costly."""
    found: list[Step] = []
    for step in rest:
        is_ready = step.kind in STREAMING and not (step.learns and (found or is_first))
        if not is_ready:
            break
        found.append(step)
        if step.is_costly:
            break
    return found


def _streamed(rows: Rows, own: _Pass, shop: Shop, *, is_kept: bool) -> Path:
    """Return the folder of what rows become on their way through steps: an earlier run's where it was kept."""
    found = shop.kept.find(own.key) if is_kept else None
    if found is not None:
        folder = found
        names = ", ".join(step.name for step in own.streaming) or "reading"
        what = "refine" if isinstance(rows, _Again) else "read"
        shop.on_event(Event(what, message=f"{names}: as an earlier run left it"))
        rows.recall(shop.kept.facts(folder)["found"])
    else:
        again = rows.stage if isinstance(rows, _Again) else None
        doing = "store again" if again is not None else "read and store"
        with shop.clock.timing(doing) as spent, shop.kept.making(own.key) as making:
            folder = _make(rows, list(own.streaming), shop, making, own.key)
            spent.rows += again.num_alive if again is not None else sum(shop.kept.facts(folder)["rows_in"].values())
    rows.placed(folder)
    facts = shop.kept.facts(folder)
    shop.ledger.came_in(facts["rows_in"])
    for name, findings in facts["findings"].items():
        shop.ledger.note(name, findings)
    for lines in row_groups(folder / KEPT_LEDGER):
        shop.ledger.append(lines)
    return folder


def _make(rows: Rows, steps: list[Step], shop: Shop, folder: Path, key: str) -> Path:
    findings: dict[str, Any] = {}
    if isinstance(rows, _Again) and steps and steps[0].learns:
        with shop.clock.timing(f"{steps[0].name} learns", rows.stage.num_alive):
            steps[0] = _fitted(steps[0], rows.stage, shop)
        if hasattr(steps[0].operator, "findings"):
            findings[steps[0].name] = steps[0].operator.findings()
    items = _watched(rows.items(folder), "refine" if isinstance(rows, _Again) else "read", shop.on_event)
    for is_movable, group in groupby(steps, lambda step: step.is_movable):
        items = (shop.engine if is_movable else Here()).map(items, Job(tuple(group)))
    with Stage(folder / _ROWS) as stage, Ledger(folder / KEPT_LEDGER) as lines:
        for frame, notes in items:
            if frame.height:
                stage.append(frame)
            lines.take(notes)
            shop.clock.take(notes)
    return shop.kept.keep(folder, key, {"found": rows.found(), "rows_in": lines.rows_in, "findings": findings})


def _fitted(step: Step, stage: Stage, shop: Shop) -> Step:
    """Return a step that has learnt from the rows before it. An empty stage teaches nothing."""
    if stage.num_alive == 0:
        return step
    shop.on_event(Event(step.name, message=f"{step.name} learns from {stage.num_alive:,} rows"))
    return with_learnt(step, step.operator.fit(stage.scan()))


def _drop_whole(stage: Stage | None, step: Step, shop: Shop, key: str) -> None:
    """Let an operator that sees all rows name some. Without a stage an earlier run has done so."""
    num_rows = stage.num_alive if stage is not None else 0
    shop.on_event(Event(step.name, total=num_rows))
    if (folder := shop.kept.find(key)) is not None:
        shop.on_event(Event(step.name, message=f"{step.name}: as an earlier run left it"))
        if (signed := shop.kept.find(signed_key(key))) is not None:
            shop.signed.remember(step, np.load(signed / _PRINTS, mmap_mode="r"), signed / _SIGNATURES)
    elif stage is not None and num_rows:
        with shop.clock.timing(step.name, num_rows), shop.kept.making(key) as making:
            findings = _judged_together(stage, step, shop, key, making / _DROPS)
            folder = shop.kept.keep(making, key, {"findings": findings})
    else:
        return
    if findings := shop.kept.facts(folder)["findings"]:
        shop.ledger.note(step.name, findings)
    if step.action == "dropped" and stage is not None:
        stage.drop(row_groups(folder / _DROPS, ("row_id", "position")), operator=step.name)
    for drops in row_groups(folder / _DROPS):
        shop.ledger.write(step.name, step.action, drops)
    num_left = stage.num_alive if stage is not None else 0
    shop.on_event(Event(step.name, step=num_left, total=num_left))


def _judged_together(stage: Stage, step: Step, shop: Shop, key: str, file: Path) -> dict[str, Any]:
    """Write the rows that an operator that sees all of them names; return what it found beside."""
    operator = step.operator
    if hasattr(operator, "memory_bytes"):
        operator.memory_bytes = shop.memory_bytes // 2
    given = [stage.scan()]
    if hasattr(operator, "signatures"):
        given.append(_signatures(stage, step, shop, key))
    try:
        with ParquetFile(file, pl.DataFrame(schema=DROPS).to_arrow().schema, compression="lz4") as written:
            for drops in named_by(operator.whole(*given)):
                written.write(drops)
        return operator.findings() if hasattr(operator, "findings") else {}
    except (OrelineError, ModuleNotFoundError, OSError):
        raise
    except Exception as error:  # an operator may raise anything
        said = str(error).split("\n", 1)[0][:200]
        raise OrelineError(
            f"the operator {step.name!r} failed: {type(error).__name__}: {said}",
            where=f"{stage.num_alive:,} rows",
            remedy="this is a mistake in the operator; please report it with the recipe",
        ) from error


def _signatures(stage: Stage, step: Step, shop: Shop, key: str) -> pl.LazyFrame:
    """Return the signatures of all rows as a lazy frame: a stage of its own, for they are most of the work."""
    folder = shop.kept.find(signed_key(key))
    if folder is not None:
        shop.on_event(Event(step.name, message=f"signatures of {step.name}: as an earlier run left them"))
    else:
        with shop.kept.making(signed_key(key)) as making:
            folder = shop.kept.keep(_sign(stage, step, shop, making), signed_key(key), {})
    shop.signed.remember(step, np.load(folder / _PRINTS, mmap_mode="r"), folder / _SIGNATURES)
    return pl.scan_parquet(folder / _SIGNATURES)


def _sign(stage: Stage, step: Step, shop: Shop, folder: Path) -> Path:
    """Write the signatures of all rows, worked out wherever the engine works, and the rows' fingerprints."""
    job = Job(signer=step)
    file = folder / _SIGNATURES
    with contextlib.ExitStack() as stack:
        prints = stack.enter_context(Prints(folder / _PRINTS))
        items = ((frame, Notes()) for frame in watched(stage.frames(), prints.append))
        writer: ParquetFile | None = None
        for frame, notes in (shop.engine if job.is_movable else Here()).map(items, job):
            shop.clock.take(notes, counts=False)
            if writer is None:
                schema = frame.to_arrow().schema
                writer = stack.enter_context(ParquetFile(file, schema, compression="lz4", is_passing=True))
            writer.write(frame)
    return folder


def _watched(items: Iterable[Item], stage: str, on_event: OnEvent) -> Iterator[Item]:
    started, rows = time.monotonic(), 0
    for frame, notes in items:
        rows += frame.height
        yield frame, notes
        seconds = time.monotonic() - started
        on_event(Event(stage, step=rows, values={"rows_per_s": rows / max(seconds, 1e-9)}))
