"""Rows that operators add to `train` after the split: named, noted in the ledger, and written behind the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import polars as pl

from oreline.data.augment.held_out import Added, HeldOut
from oreline.data.ledger import CHANGE_REASON, Ledger, Notes
from oreline.data.running.clock import Clock
from oreline.data.running.engine import Item
from oreline.data.running.stage import Stage, conform
from oreline.data.running.steps import Step, guarded, with_learnt
from oreline.errors import OrelineError, UsageError

FROM_ID = "from_id"
"""Column of added rows: the row that each comes from."""
INTO = "train"


def refuse_without_train(steps: Sequence[Step], splits: Iterable[str]) -> None:
    """Raise `UsageError` where operators add rows and there is no train split to add them to."""
    names = list(splits)
    if steps and INTO not in names:
        raise UsageError(
            f"the operator {steps[0].name!r} adds rows to {INTO}, and there is no such split",
            allowed=f"splits: {', '.join(names)}",
            remedy=f"give {INTO} a share, or leave the operator out",
        )


def added(stage: Stage, steps: Sequence[Step], held_out: HeldOut, ledger: Ledger, clock: Clock) -> Iterator[Item]:
    """Yield the rows that each operator makes of the rows of a stage, in the order of operators and rows.

    Rows that copy a row of another split, exactly or nearly, are left out, and those that an operator with `distinct`
    has added before. What operators found goes to the ledger, what they took to the clock.

    Raises `OrelineError` for an operator that changes columns or names rows that are not there.
    """
    used: Counter[str] = Counter()
    for given in steps:
        used[given.name] += 1
        again = "" if used[given.name] == 1 else str(used[given.name])
        with clock.timing(given.name + again):
            step = with_learnt(given, given.operator.fit(stage.scan())) if given.learns and stage.num_alive else given
        copies: Counter[str] = Counter()
        refusals = [held_out.copies, *([Added().repeated] if getattr(step.operator, "distinct", False) else [])]
        for frame in stage.frames():
            with clock.timing(given.name + again, frame.height):
                made = _checked(guarded(step, frame, step.operator.add), frame, step)
                for refused in refusals:
                    reasons = refused(made)
                    copies.update(reasons.drop_nulls())
                    made = made.filter(reasons.is_null())
            if made.height:
                yield _named(made, frame, step, again)
        ledger.note(step.name, _findings(step, copies))


def _findings(step: Step, copies: Counter[str]) -> dict[str, Any]:
    """Return what an operator found, and how many of its rows were left out because they stand elsewhere."""
    found = step.operator.findings() if hasattr(step.operator, "findings") else {}
    counts = {**found.get("counts", {}), **{f"refused: {reason}": rows for reason, rows in sorted(copies.items())}}
    return {**found, "counts": counts, "alarms": list(found.get("alarms", ()))}


def _checked(made: pl.DataFrame, frame: pl.DataFrame, step: Step) -> pl.DataFrame:
    if FROM_ID not in made.columns:
        raise OrelineError(f"the operator {step.name!r} does not say what rows it added come from", allowed=FROM_ID)
    if foreign := made.filter(~pl.col(FROM_ID).is_in(frame["row_id"].to_list()))[FROM_ID].head(1).to_list():
        raise OrelineError(f"the operator {step.name!r} added a row from {foreign[0]!r}, which it was not given")
    known = {*frame.columns, FROM_ID, CHANGE_REASON}
    if new := [name for name in made.columns if name not in known]:
        raise OrelineError(
            f"the operator {step.name!r} added rows with the column {new[0]!r}, which the others do not have",
            allowed=", ".join(frame.columns),
        )
    return made


def _named(made: pl.DataFrame, frame: pl.DataFrame, step: Step, again: str) -> Item:
    """Return new rows with ids of their own (`reviews.csv:7+swap.1`), and their lines of the ledger."""
    # In the order of the rows that they come from, so that it does not matter how these were framed.
    places = frame.select(pl.col("row_id").alias(FROM_ID)).with_row_index("_place")
    made = made.join(places, on=FROM_ID, maintain_order="left").sort("_place", maintain_order=True).drop("_place")
    number = pl.int_range(1, pl.len() + 1).over(FROM_ID).cast(pl.String)
    row_id = pl.concat_str(pl.col(FROM_ID), pl.lit(f"+{step.name}{again}."), number)
    rows = made.with_columns(row_id.alias("row_id"))
    said = pl.col(CHANGE_REASON).fill_null(step.name) if CHANGE_REASON in made.columns else pl.lit(step.name)
    notes = Notes()
    notes.write(step.name, "added", rows.select("row_id", said.alias("reason"), pl.col(FROM_ID).alias("kept_id")))
    return conform(rows.drop(FROM_ID, CHANGE_REASON, strict=False), dict(frame.schema)), notes
