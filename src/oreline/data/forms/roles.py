"""From a source's own columns to columns named by role, with clean labels and parsed times."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import polars as pl

from oreline.data.forms.answered import with_answers
from oreline.data.forms.dialogues import found_columns, from_messages
from oreline.data.forms.guess import role_options
from oreline.data.forms.related import unmarked, with_marks
from oreline.data.forms.tagged import with_tags
from oreline.data.forms.times import parsed_time
from oreline.data.ledger import Ledger, Notes
from oreline.errors import DataError, UsageError, did_you_mean
from oreline.types import ROLES
from oreline.words import as_cell

TEXT_ROLES = ("text", "text_pair", "negative", "target_text")
_LISTED_ROLES = ("label", "negative")
"""Roles that may have several values in a row: they become a JSON list."""
_DIALOGUE = {"text": "text", "target_text": "target_text"}
"""What a column of dialogues becomes."""
_NAME_ROLES = ("label", "group", "user", "item", "source", "id")
_INPUTS = ("text", "messages", "tokens", "image", "audio", "entities", "user", "item")
READ = "read"
"""Name in the ledger of what happens before the first operator."""

MISSING_LABELS = ("", "nan", "null", "<na>", "#n/a")
"""Spellings, case aside, of a label that is not there. `none` and `n/a` may well be classes."""

_INVISIBLE = "[\u200b\u2060\ufeff]"


def bind(columns: Sequence[str], roles: Mapping[str, str], place: str) -> dict[str, str]:
    """Return the column of each role: those given, then columns whose name is a role.

    Raises:
        UsageError: a role that does not exist, or two roles for one column.
        DataError: a column that does not exist (the nearest name is given), or nothing to learn from.
    """
    for role, column in roles.items():
        if role not in ROLES:
            raise UsageError(f"there is no role {role!r}", allowed=did_you_mean(role, ROLES))
        if column not in columns:
            raise DataError(
                f"no column {column!r} (for the role {role})",
                where=place,
                allowed=did_you_mean(column, columns),
                remedy=f"use --{role} with one of these names" if role in ("text", "label", "group", "time") else "",
            )
    if twice := next((name for name in roles.values() if list(roles.values()).count(name) > 1), None):
        raise UsageError(f"the column {twice!r} has two roles", allowed="one role for each column")
    bound = dict(roles)
    for name in columns:
        if name in ROLES and name not in bound and name not in bound.values():
            bound[name] = name
    if not set(roles) & {"text", "messages"}:
        bound |= found_columns(columns)
    if "tokens" in bound and "text" not in roles:
        # Words that somebody has cut are the text; a column named `text` beside them stays as what it is.
        bound["text"] = bound.pop("tokens")
    if not set(bound) & set(_INPUTS):
        taken = next((role for role, name in bound.items() if name == "text"), None)
        what = f"the column 'text' is the {taken}" if taken else "no column is named 'text'"
        raise DataError(
            f"{what}, and none was given for the role 'text'",
            where=place,
            allowed=did_you_mean("text", [name for name in columns if name not in bound.values()]),
            remedy="; ".join(filter(None, ("say which column holds the text: --text COLUMN", role_options(columns)))),
        )
    return bound


def by_role(
    frame: pl.DataFrame, bound: Mapping[str, str], place: str, noted: dict[str, str] | None = None
) -> pl.DataFrame:
    """Rename columns to their roles and give each role its type.

    Text and names become strings, labels lose surrounding and invisible characters, several labels or negatives of a
    row become a JSON list, times become datetimes.
    Lists of words become a JSON list, and tags one with a tag for each word (`with_tags`).
    `noted` is told, by row, what had to be left out.
    A column that is not there (a JSON key that this frame lacks) is null. Raises `DataError` for a type that
    cannot be read as its role, or a time that cannot be parsed.
    """
    if "messages" in bound and bound["messages"] in frame.columns:
        frame = from_messages(frame, bound["messages"], place)
        bound = {**{role: name for role, name in bound.items() if role != "messages"}, **_DIALOGUE}
    taken = set(bound) | {"row_id"}
    columns = [pl.col("row_id")]
    for role, column in bound.items():
        if column not in frame.columns:
            columns.append(pl.lit(None, dtype=pl.String).alias(role))
            continue
        dtype = frame.schema[column]
        if role in ("answers", "head", "tail") and (dtype.is_nested() or dtype == pl.Null):
            columns.append(pl.lit(_json_cells(frame[column])).alias(role))
            continue
        if role in _LISTED_ROLES and isinstance(dtype, pl.List):
            columns.append(pl.lit(_json_lists(frame[column])).alias(role))
            continue
        is_words = role == "tags" or (role == "text" and ({"tags", "head"} & set(bound) or column == "tokens"))
        if is_words and isinstance(dtype, pl.List) and not dtype.inner.is_nested():
            columns.append(pl.lit(_cells(frame[column])).alias(role))
            continue
        if role == "target_text" and isinstance(dtype, pl.List):
            _refuse_lists(frame.select("row_id", column), place)
        if role in (*TEXT_ROLES, *_NAME_ROLES) and (dtype.is_nested() or dtype == pl.Binary):
            raise DataError(
                f"the column {column!r} holds {str(dtype).lower()} values, which are no {role}",
                where=place,
                allowed="text, numbers, true and false",
                remedy=f"name another column, or write one text a row into {column!r}",
            )
        columns.append(_typed(pl.col(column), dtype, role).alias(role))
    used = set(bound.values()) | {"row_id"}
    others = [name for name in frame.columns if name not in used]
    columns.extend(pl.col(name).alias(f"{name}_column" if name in taken else name) for name in others)
    named = frame.select(columns)
    if {"text", "tags"} <= set(bound):
        named = with_tags(named, place, noted)
    if {"text", "head", "tail"} <= set(bound):
        named = with_marks(named, place)
    if "time" in named.columns:
        named = named.with_columns(parsed_time(named["time"], named["row_id"], place).alias("time"))
    return named


def missing(frame: pl.DataFrame) -> pl.Series:
    """Return why a row cannot be used at all: `missing_text`, `missing_label`, …; null where it can."""
    reason = pl.lit(None, dtype=pl.String)
    for role in ("time", "tags", "label", "text_pair", "text"):
        if role in frame.columns:
            reason = pl.when(pl.col(role).is_null()).then(pl.lit(f"missing_{role}")).otherwise(reason)
    return frame.select(reason.alias("reason")).to_series()


def take_in(
    frame: pl.DataFrame, bound: Mapping[str, str], place: str, ledger: Ledger | Notes, *, needs_label: bool = True
) -> pl.DataFrame:
    """Name columns by role and drop rows without text, time or (where it is needed) label into the ledger.

    A row that has a text, and not the entities that were to be marked in it, is dropped as `missing_marks`.
    """
    noted: dict[str, str] = {}
    named = by_role(frame, bound, place, noted)
    ledger.read(named["row_id"])
    if noted:
        ledger.write(READ, "changed", pl.DataFrame({"row_id": [*noted], "reason": [*noted.values()]}))
    if {"text_pair", "answers"} <= set(bound):
        named, reasons = with_answers(named, place)
        found = named.select("row_id").with_columns(reasons).filter(reasons.is_not_null())
        ledger.write(READ, "changed", found)
    reasons = missing(named if needs_label or "label" not in named.columns else named.drop("label"))
    reasons = reasons.set((reasons == "missing_text").fill_null(False) & unmarked(frame, bound), "missing_marks")
    if reasons.null_count() == named.height:
        return named
    dropped = named.select("row_id").with_columns(reasons).filter(reasons.is_not_null())
    ledger.write(READ, "dropped", dropped)
    return named.filter(reasons.is_null())


def _refuse_lists(answers: pl.DataFrame, place: str) -> None:
    """Raise `DataError` for the first row whose answer is a list: which of its texts is meant, nobody can know."""
    row_id, value = next((row for row in answers.iter_rows() if row[1] is not None), ("", None))
    if value is None:
        return
    raise DataError(
        f"the answer {json.dumps(value, ensure_ascii=False, default=str)[:80]} is a list",
        where=f"{row_id}, {place}" if place not in row_id else row_id,
        allowed="one text for each row",
        remedy="give each answer a row of its own, or join them into one text",
    )


def _typed(column: pl.Expr, dtype: pl.DataType, role: str) -> pl.Expr:
    if role in (*TEXT_ROLES, "answers", "head", "tail"):
        return _as_text(column, dtype)
    if role == "label":
        clean = _as_text(column, dtype).str.replace_all(_INVISIBLE, "").str.strip_chars()
        return pl.when(clean.str.to_lowercase().is_in(MISSING_LABELS)).then(None).otherwise(clean)
    if role in _NAME_ROLES:
        return _as_text(column, dtype)
    return column


def _json_lists(labels: pl.Series) -> pl.Series:
    """Turn lists of labels into JSON, each label once and in sorted order, so that equal sets are equal strings."""
    texts = [
        None
        if row is None
        else json.dumps(sorted({str(label) for label in row if label is not None}), ensure_ascii=False)
        for row in labels.to_list()
    ]
    return pl.Series(labels.name, texts, dtype=pl.String)


def _cells(lists: pl.Series) -> pl.Series:
    """Turn lists of words or tags into JSON, in their order."""
    cells = [
        None if row is None else as_cell(["" if item is None else str(item) for item in row]) for row in lists.to_list()
    ]
    return pl.Series(lists.name, cells, dtype=pl.String)


def _json_cells(nested: pl.Series) -> pl.Series:
    """Turn lists and mappings in any form into JSON."""
    cells = [None if row is None else json.dumps(row, ensure_ascii=False) for row in nested.to_list()]
    return pl.Series(nested.name, cells, dtype=pl.String)


def _as_text(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype.is_float():
        # 1.0 is what whole numbers become in a column with gaps; the class is called 1.
        whole = (column == column.floor()) & column.is_finite()
        text = (
            pl.when(whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(column.cast(pl.String))
        )
        return pl.when(column.is_nan()).then(None).otherwise(text)
    return column.cast(pl.String)
