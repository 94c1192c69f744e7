"""`--dry-run`: validate, estimate rows, memory and time, write nothing.

Refining is estimated from a refine of the first rows into a temporary folder, which also finds wrong columns and
options; training from its own first passes, or from the model's size where its data is not there yet; verbs that use
a model from its answers to a few rows.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline.api import build, names
from oreline.api.estimates import Estimated
from oreline.api.machine import machine
from oreline.api.training_estimates import estimate_training
from oreline.api.training_trial import try_together, try_training
from oreline.api.use_estimates import estimate_use
from oreline.errors import OrelineError, UsageError
from oreline.recipe import REFERENCES, Recipe, Step
from oreline.report.report import Report, Table

if TYPE_CHECKING:
    import polars as pl

PROBE_ROWS = 5000
_WRITERS = {"refine", "pretrain", "finetune", "multitask", "transfer", "merge", "compress", "update"}
"""Verbs that write something whether a place is named or not."""


def plan(verb: str, options: Mapping[str, Any], *, out: Any, seed: int, force: bool) -> Report:
    """Return what a verb with these options would do. Raises what the verb itself would raise early on."""
    if out is not None and not force and Path(out).is_dir() and any(Path(out).iterdir()) and verb != "update":
        raise UsageError(f"{out} exists already", remedy="choose another --out, or add --force to replace it")
    found = estimate(verb, options, seed)
    unnamed = f"a new folder in {names.runs_folder()}" if verb in _WRITERS else "nothing is written without --out"
    place = out if out is not None else unnamed
    return _report(f"{verb}: nothing was done or written", [(verb, "to do", found)], {"out": str(place)})


def plan_recipe(read: Recipe, steps: Sequence[tuple[Step, Mapping[str, Any], bool]]) -> Report:
    """Return what running a recipe would do, step by step."""
    rows = []
    to_do: dict[str, Mapping[str, Any]] = {}
    for step, options, is_finished in steps:
        found = Estimated() if is_finished else _estimate_step(step.verb, options, read, to_do)
        rows.append((step.name, "done already" if is_finished else "to do", found))
        if not is_finished:
            to_do[step.name] = options
    return _report(f"{read.name}: nothing was done or written", rows, {"out": str(read.out), "seed": read.seed})


def estimate(verb: str, options: Mapping[str, Any], seed: int = 0) -> Estimated:
    """Estimate one verb."""
    if verb == "refine":
        return _refine(options, seed)
    if verb == "finetune" and (tried := try_training(options, seed)) is not None:
        return tried
    if verb in ("pretrain", "finetune"):
        return estimate_training(verb, options)
    if verb == "multitask":
        return try_together(options, seed)
    if verb == "transfer":
        found = estimate_training("finetune", options)
        return replace(found, note=f"each model: {found.note}")
    return estimate_use(verb, options) if "model" in options else Estimated()


def _refine(options: Mapping[str, Any], seed: int) -> Estimated:
    import polars as pl

    from oreline.data.sources import frames, given_splits

    data = options["data"]
    given = given_splits(data)
    begun = time.monotonic()
    first: list[pl.DataFrame] = []
    total = 0
    notes: list[str] = []
    for part in [data] if given is None else given.values():
        for frame in frames(part, rows=PROBE_ROWS, note=notes.append):
            first = first or [frame]
            total += frame.height
    read_s = time.monotonic() - begun
    sample = pl.concat(first).drop("row_id")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="oreline-dry-run-") as scratch:
        roles = {**names.catalog_roles(data), **(options.get("roles") or {})}
        roles |= {role: options[role] for role in ("text", "label", "group", "time") if options.get(role)}
        try:
            build.refine(
                sample,
                roles=roles,
                operators=options.get("operators"),
                split=options.get("split"),
                seed=seed,
                out=Path(scratch) / "trial",
            )
        except OrelineError as error:
            error.where = str(data) if error.where == "data" else error.where
            raise
    seconds = read_s + (time.monotonic() - begun) * total / max(sample.height, 1)
    memory = int(sample.estimated_size() * 8) + (300 << 20)
    tried = f"tried on the first {sample.height:,} rows"
    return Estimated(total, (seconds, seconds), memory, "; ".join([tried, *notes]))


def _estimate_step(
    verb: str, options: Mapping[str, Any], read: Recipe, to_do: Mapping[str, Mapping[str, Any]]
) -> Estimated:
    """Estimate a step of a recipe. `to_do` are the options of the steps before it that are not done.

    Training on a dataset that is not there yet is estimated from the raw data that it will be made of, training from
    a model that is not there yet from that model's own start. What else works on such a model can only be named.
    """
    waits = {
        option: Path(value).name
        for option in REFERENCES
        if (value := str(options.get(option) or "").partition("#")[0])
        and Path(value).is_relative_to(read.out)
        and not Path(value).exists()
    }
    places = [str(part.get("data")).partition("#")[0] for part in (options.get("tasks") or {}).values()]
    waits |= {
        place: Path(place).name for place in places if Path(place).is_relative_to(read.out) and not Path(place).exists()
    }
    if not waits:
        return estimate(verb, options, read.seed)
    from oreline.data.sources import given_splits

    known = {option: to_do.get(name, {}) for option, name in waits.items()}
    if verb not in ("pretrain", "finetune") or not set(waits) <= {"data", "start"}:
        return Estimated(note="after " + " and ".join(dict.fromkeys(waits.values())))
    given, share = dict(options), None
    if "data" in waits:
        raw = known["data"]
        parts = given_splits(raw["data"]) or {}
        share = 1.0 if "train" in parts else (raw.get("split") or names.DEFAULT_SPLIT).get("train", 1.0)
        given |= {
            "data": parts.get("train", raw["data"]),
            "text": (raw.get("roles") or {}).get("text", raw.get("text")),
        }
    if "start" in waits:
        given["start"] = known["start"].get("start")
    found = estimate_training(verb, given, train_share=share)
    return replace(found, note=f"{found.note}; after {' and '.join(waits.values())}")


def _report(title: str, steps: Sequence[tuple[str, str, Estimated]], facts: Mapping[str, Any]) -> Report:
    here = machine(names.runs_folder())
    needed = max((found.memory_bytes or 0 for _, _, found in steps), default=0)
    warnings = []
    if needed > here.free_memory_bytes > 0:
        warnings.append(
            f"about {needed / 2**30:.1f} GiB of memory are needed and {here.free_memory_bytes / 2**30:.1f} are free: "
            "use a smaller train.token_budget, or method head or linear"
        )
    return Report(
        verb="plan",
        title=title,
        facts={
            **facts,
            "free_memory": f"{here.free_memory_bytes / 2**30:.1f} GiB",
            "free_disk": f"{here.free_disk_bytes / 2**30:.1f} GiB",
        },
        tables=[
            Table(
                "Plan",
                ("step", "state", "rows", "time, about", "memory, about", "note"),
                [(name, state, *found.cells()) for name, state, found in steps],
            )
        ],
        warnings=warnings,
    )
