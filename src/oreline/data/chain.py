"""Send rows through operators: those that see a frame at a time while streaming, those that see all rows between."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from oreline.data.dialogues import dialogue_rows
from oreline.data.ledger import CHANGE_REASON, Ledger
from oreline.data.stage import Stage
from oreline.data.verdicts import carried_out
from oreline.errors import OrelineError, UsageError
from oreline.types import Event, OnEvent, Operator

KINDS = ("keep", "edit", "whole")
Named = tuple[str, Operator]


def kind_of(name: str, operator: Operator) -> str:
    """Return which of `keep`, `edit` and `whole` an operator defines. Raises `UsageError` unless it is exactly one."""
    defined = [kind for kind in KINDS if hasattr(operator, kind)]
    if len(defined) != 1:
        raise UsageError(
            f"the operator {name!r} defines {' and '.join(defined) or 'none'}",
            allowed=f"exactly one of {', '.join(KINDS)}",
        )
    return defined[0]


def run_chain(
    frames: Iterable[pl.DataFrame],
    operators: Sequence[Named],
    ledger: Ledger,
    folder: Path,
    on_event: OnEvent,
) -> Stage:
    """Send frames through operators in order and return the rows that remain, on disk below `folder`."""
    rest: list[tuple[str, Any, str]] = [(name, operator, kind_of(name, operator)) for name, operator in operators]
    number = 0
    stage: Stage | None = None
    while True:
        streaming = []
        if stage is not None and rest and hasattr(rest[0][1], "fit"):
            if stage.num_alive:
                on_event(Event(rest[0][0], total=stage.num_alive))
                rest[0][1].learnt(rest[0][1].fit(stage.scan()))
            streaming.append(rest.pop(0))
        while rest and rest[0][2] != "whole" and not hasattr(rest[0][1], "fit"):
            streaming.append(rest.pop(0))
        with Stage(folder / f"{number:02d}") as stage:
            for frame in _watched(frames, "read" if number == 0 else "refine", on_event):
                for name, operator, kind in streaming:
                    frame = (_kept if kind == "keep" else _edited)(frame, name, operator, ledger)
                if frame.height:
                    stage.append(frame)
        while rest and rest[0][2] == "whole":
            name, operator, _ = rest.pop(0)
            on_event(Event(name, total=stage.num_alive))
            _drop_whole(stage, name, operator, ledger)
            on_event(Event(name, step=stage.num_alive, total=stage.num_alive))
        if not rest:
            return stage
        frames = stage.frames()
        number += 1


def _kept(frame: pl.DataFrame, name: str, operator: Operator, ledger: Ledger) -> pl.DataFrame:
    reasons: pl.Series = operator.keep(frame)  # type: ignore[attr-defined]
    if len(reasons) != frame.height:
        raise OrelineError(f"the operator {name!r} gave {len(reasons)} reasons for {frame.height} rows")
    if reasons.null_count() == frame.height:
        return frame
    dropped = frame.select("row_id", reasons.alias("reason")).filter(pl.col("reason").is_not_null())
    ledger.write(name, "dropped", dropped)
    return frame.filter(reasons.is_null())


def _edited(frame: pl.DataFrame, name: str, operator: Operator, ledger: Ledger) -> pl.DataFrame:
    edited: pl.DataFrame = operator.edit(frame)  # type: ignore[attr-defined]
    if edited.height != frame.height or not edited["row_id"].equals(frame["row_id"]):
        raise OrelineError(
            f"the operator {name!r} returned {edited.height} rows for {frame.height}, or changed their ids or order",
            remedy="`edit` returns the same rows in the same order; use `keep` to drop rows",
        )
    if "tags" in frame.columns:
        # Tags count the words of their text: what an operator would change in it stays as it was.
        edited = edited.drop(CHANGE_REASON, strict=False).with_columns(frame["text"])
    if "target_text" in frame.columns and not getattr(operator, "dialogues", False):
        edited = _dialogues_as_before(frame, edited)
    if {"answers", "text_pair"} <= set(frame.columns):
        # So do answers, which are places in their context.
        edited = edited.with_columns(frame["text_pair"])
    if CHANGE_REASON in edited.columns:
        reasons = edited[CHANGE_REASON]
        edited = edited.drop(CHANGE_REASON)
    else:
        reasons = _changed_columns(frame, edited)
    changed = frame.select("row_id", reasons.alias("reason")).filter(pl.col("reason").is_not_null())
    ledger.write(name, "changed", changed)
    return carried_out(name, edited, ledger)


def _dialogues_as_before(frame: pl.DataFrame, edited: pl.DataFrame) -> pl.DataFrame:
    """Put back the rows that are lists of messages: they are JSON, and white space may be what they are about."""
    is_list = dialogue_rows(frame)
    if not is_list.any():
        return edited
    roles = [role for role in ("text", "target_text") if role in edited.columns]
    kept = [pl.when(is_list).then(frame[role]).otherwise(pl.col(role)).alias(role) for role in roles]
    if CHANGE_REASON in edited.columns:
        kept.append(pl.when(~is_list).then(pl.col(CHANGE_REASON)).alias(CHANGE_REASON))
    return edited.with_columns(kept)


def _changed_columns(before: pl.DataFrame, after: pl.DataFrame) -> pl.Series:
    """Name, for each row, the columns whose value changed; null where none did."""
    both = [column for column in before.columns if column in after.columns and column != "row_id"]
    differs = [before[column].ne_missing(after[column].cast(before.schema[column])) for column in both]
    flags = pl.DataFrame(differs).select(
        pl.concat_str([pl.when(pl.col(c)).then(pl.lit(c)) for c in both], separator=", ", ignore_nulls=True)
    )
    return flags.to_series().replace("", None) if both else pl.Series([None] * before.height, dtype=pl.String)


def _drop_whole(stage: Stage, name: str, operator: Operator, ledger: Ledger) -> None:
    if stage.num_alive == 0:
        return
    drops: pl.DataFrame = operator.whole(stage.scan())  # type: ignore[attr-defined]
    stage.drop(drops["row_id"], operator=name)
    ledger.write(name, "dropped", drops)


def _watched(frames: Iterable[pl.DataFrame], stage: str, on_event: OnEvent) -> Iterator[pl.DataFrame]:
    started, rows = time.monotonic(), 0
    for frame in frames:
        rows += frame.height
        yield frame
        seconds = time.monotonic() - started
        on_event(Event(stage, step=rows, values={"rows_per_s": rows / max(seconds, 1e-9)}))
