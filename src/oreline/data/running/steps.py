"""What operators do to one frame of rows, the same in this process and in a worker.

A step that came from `registry.create` remembers its plug and its options, so that another process builds it again;
nothing is pickled.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import polars as pl

from oreline import registry
from oreline.data.duplicates.drops import DROPS
from oreline.data.fold import INPUT_ROLES
from oreline.data.forms.dialogues import dialogue_rows
from oreline.data.ledger import CHANGE_REASON, DROP_REASON, FLAG_REASON, Notes
from oreline.errors import DataError, OrelineError, ResourceError, UsageError, did_you_mean
from oreline.types import OpenModel, Operator

KINDS = ("keep", "edit", "whole", "add")
STREAMING = ("keep", "edit")
"""Kinds that see a frame at a time."""
Named = tuple[str, Operator]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """One operator of a chain."""

    name: str
    """What the ledger calls it."""
    operator: Any
    kind: str
    learnt: Mapping[str, Any] | None = None
    """What `fit` returned, where the operator learns from the data."""

    @property
    def made_of(self) -> dict[str, Any] | None:
        """The plug's name and options, JSON-ready, by which it can be built again; None where that is not known."""
        made = getattr(self.operator, registry.MADE_OF, None)
        if made is None:
            return None
        plug, options = made
        try:
            found = {"name": self.name, "plug": plug, "options": options, "learnt": self.learnt}
            return dict(json.loads(json.dumps(found)))
        except (TypeError, ValueError):  # an option that is no JSON, such as a frame
            return None

    @property
    def is_movable(self) -> bool:
        """Whether a worker may run it: one that a model was bound to stays where the model is, or what it learnt."""
        stays = getattr(self.operator, "models", None) or getattr(self.operator, "stays", False)
        return self.made_of is not None and not stays

    @property
    def action(self) -> str:
        """What the ledger says of a row that it finds."""
        return "flagged" if getattr(self.operator, "reports_only", False) else "dropped"

    @property
    def is_costly(self) -> bool:
        """Whether what it leaves is worth storing."""
        return bool(getattr(self.operator, "costly", False))

    @property
    def learns(self) -> bool:
        """Whether it sees all rows before it works on frames."""
        return hasattr(self.operator, "fit")


def named_by(found: pl.DataFrame | Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield what an operator that sees all rows names, in frames of `DROPS`, one at least."""
    yield pl.DataFrame(schema=DROPS)
    for frame in [found] if isinstance(found, pl.DataFrame) else found:
        lacking = [pl.lit(None).alias(name) for name in ("similarity", "position") if name not in frame.columns]
        yield frame.with_columns(lacking).select(pl.col(name).cast(dtype) for name, dtype in DROPS.items())


def kind_of(name: str, operator: Operator) -> str:
    """Return which of `keep`, `edit`, `whole` and `add` an operator defines. Raises `UsageError` unless it is one."""
    defined = [kind for kind in KINDS if hasattr(operator, kind)]
    if len(defined) != 1:
        raise UsageError(
            f"the operator {name!r} defines {' and '.join(defined) or 'none'}",
            allowed=f"exactly one of {', '.join(KINDS)}",
        )
    return defined[0]


def steps_of(operators: Sequence[Named]) -> list[Step]:
    """Return operators as steps. Raises `UsageError` for one that defines none or several of the kinds."""
    return [Step(name, operator, kind_of(name, operator)) for name, operator in operators]


def built(made: Mapping[str, Any]) -> Step:
    """Build a step from what `Step.made_of` returned."""
    operator = registry.create("operator", made["plug"], **made["options"])
    step = Step(made["name"], operator, kind_of(made["name"], operator))
    return with_learnt(step, made["learnt"]) if made["learnt"] is not None else step


def with_learnt(step: Step, learnt: Mapping[str, Any]) -> Step:
    """Tell an operator what it has learnt from the data."""
    step.operator.learnt(learnt)
    return replace(step, learnt=learnt)


def bind_models(steps: Sequence[Step], open_model: OpenModel | None) -> None:
    """Give operators the models that they name. Raises `UsageError` where nothing opens models."""
    for step in steps:
        if named := getattr(step.operator, "models", None):
            if open_model is None:
                raise UsageError(
                    f"the operator {step.name!r} needs a model, and nothing here opens one",
                    remedy="refine through oreline.refine, the command line or a recipe",
                )
            models = {name: _opened(place, f"{step.name}, {name}", open_model) for name, place in named.items()}
            try:
                step.operator.bind(models)
            except OrelineError as error:
                error.where = _within(step.name, error)
                raise


def refuse_absent_columns(steps: Sequence[Step], schema: Mapping[str, pl.DataType]) -> None:
    """Raise `DataError` where an operator was told to look at a column that no row has, or that holds no text.

    Roles that the data lack are passed over: they are what operators look at by themselves.
    """
    for step in steps:
        made = step.made_of
        asked = made["options"].get("columns") if made is not None else None
        for name in asked if isinstance(asked, list) else ():
            if name in schema and (step.kind != "edit" or schema[name] == pl.String):
                continue
            if name in schema:
                raise DataError(
                    f"the column {name!r} holds no text ({schema[name]}), and {step.name} looks at texts",
                    remedy=f"leave it out of `columns`, or write it as text in the source: {name} would stay as it is",
                )
            if name not in INPUT_ROLES and name != "target_text":
                raise DataError(
                    f"there is no column {name!r}, which {step.name} was told to look at",
                    allowed=did_you_mean(name, schema),
                    remedy="columns with a role bear the role's name",
                )


def _opened(place: str, where: str, open_model: OpenModel) -> Any:
    try:
        return open_model(place)
    except OrelineError as error:
        error.where = _within(where, error)
        raise


def _within(where: str, error: OrelineError) -> str:
    """Return a place with what an error already says of it."""
    return f"{where}: {error.where}" if error.where else where


def unwatched(name: str) -> None:
    """Watch nothing: whom nobody told that an operator begins."""


def run_steps(
    frame: pl.DataFrame, steps: Sequence[Step], notes: Notes, *, begins: Callable[[str], None] = unwatched
) -> pl.DataFrame:
    """Send a frame through steps that see a frame at a time; what they do goes to the notes.

    `begins` is told the name of each operator before it begins. Raises `OrelineError` naming the operator, and the row
    where one alone makes it fail.
    """
    for step in steps:
        if frame.height:
            begins(step.name)
            with notes.timing(step.name, frame.height):
                frame = (_kept if step.kind == "keep" else _edited)(frame, step, notes)
    return frame


def guarded(step: Step, frame: pl.DataFrame, method: Callable[[pl.DataFrame], T]) -> T:
    """Call an operator's method on a frame.

    Raises `OrelineError` that names the operator and the row for whatever it raises, its own errors as they are.
    """
    try:
        return method(frame)
    except OrelineError as error:
        error.where = error.where or f"{step.name}, {_place(frame, method)}"
        raise
    except ModuleNotFoundError:
        raise  # an extra that is not installed; the api names it
    except MemoryError as error:
        raise ResourceError(
            f"memory ran out in the operator {step.name!r}",
            where=_rows(frame),
            remedy="set memory higher or leave it out",
        ) from error
    except Exception as error:  # an operator may raise anything
        said = str(error).split("\n", 1)[0][:200]
        raise OrelineError(
            f"the operator {step.name!r} failed: {type(error).__name__}: {said}",
            where=_place(frame, method),
            remedy="this is a mistake in the operator; please report it with that row",
        ) from error


def _place(frame: pl.DataFrame, method: Callable[[pl.DataFrame], Any]) -> str:
    """Return the first row that makes an operator fail alone, found by halving; all rows where none does."""
    part = frame
    while part.height > 1:
        half = part.head(part.height // 2)
        part = half if _fails(half, method) else part.slice(half.height)
    return str(part["row_id"][0]) if part.height and _fails(part, method) else _rows(frame)


def _fails(frame: pl.DataFrame, method: Callable[[pl.DataFrame], Any]) -> bool:
    try:
        method(frame)
    except Exception:  # the same that is being reported
        return True
    return False


def _rows(frame: pl.DataFrame) -> str:
    return f"rows {frame['row_id'][0]} to {frame['row_id'][-1]}" if frame.height else "no row"


def _kept(frame: pl.DataFrame, step: Step, notes: Notes) -> pl.DataFrame:
    reasons: pl.Series = guarded(step, frame, step.operator.keep)
    if len(reasons) != frame.height:
        raise OrelineError(f"the operator {step.name!r} gave {len(reasons)} reasons for {frame.height} rows")
    if reasons.null_count() == frame.height:
        return frame
    found = frame.select("row_id", reasons.alias("reason")).filter(pl.col("reason").is_not_null())
    notes.write(step.name, step.action, found)
    return frame.filter(reasons.is_null()) if step.action == "dropped" else frame


def _edited(frame: pl.DataFrame, step: Step, notes: Notes) -> pl.DataFrame:
    edited: pl.DataFrame = guarded(step, frame, step.operator.edit)
    if edited.height != frame.height or not edited["row_id"].equals(frame["row_id"]):
        raise OrelineError(
            f"the operator {step.name!r} returned {edited.height} rows for {frame.height}, "
            "or changed their ids or order",
            remedy="`edit` returns the same rows in the same order; use `keep` to drop rows",
        )
    keeps_places = getattr(step.operator, "places", False)
    if "tags" in frame.columns and not keeps_places:
        # Tags count the words of their text: what an operator would change in it stays as it was.
        edited = edited.drop(CHANGE_REASON, strict=False).with_columns(frame["text"])
    if "target_text" in frame.columns and not getattr(step.operator, "dialogues", False):
        edited = _dialogues_as_before(frame, edited)
    if {"answers", "text_pair"} <= set(frame.columns) and not keeps_places:
        # So do answers, which are places in their context.
        edited = edited.with_columns(frame["text_pair"])
    if CHANGE_REASON in edited.columns:
        reasons = edited[CHANGE_REASON]
        edited = edited.drop(CHANGE_REASON)
    else:
        reasons = _changed_columns(frame, edited.drop(FLAG_REASON, DROP_REASON, strict=False))
    changed = frame.select("row_id", reasons.alias("reason")).filter(pl.col("reason").is_not_null())
    notes.write(step.name, "changed", changed)
    return _judged(edited, step.name, notes)


def _judged(edited: pl.DataFrame, name: str, notes: Notes) -> pl.DataFrame:
    """Flag and drop the rows that an `edit` gave a reason for, and take the columns of reasons away."""
    for column, action in ((FLAG_REASON, "flagged"), (DROP_REASON, "dropped")):
        if column in edited.columns:
            reasons = edited[column]
            edited = edited.drop(column)
            found = edited.select("row_id", reasons.alias("reason")).filter(pl.col("reason").is_not_null())
            notes.write(name, action, found)
            edited = edited.filter(reasons.is_null()) if action == "dropped" and found.height else edited
    return edited


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
