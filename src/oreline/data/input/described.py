"""Sources as a recipe describes them: where rows lie, what their columns are called, and how many of them are meant.

    {path: reviews.xlsx, sheet: 2024, name: shop, columns: {text: review, label: stars}, quota: 5000}

One key says where: `path`, `catalog`, `rows` (of a table in memory), or a reader's name, as in `sql: URL`. The keys of
`Part` say how the rows take part. `reader` names the reader of a `path` where its suffix does not tell, `links: true`
follows links out of a folder, and every other key is an option of the reader.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from oreline import registry
from oreline.errors import DataError, UsageError, did_you_mean
from oreline.types import ROLES

_FILES = ("path", "catalog", "rows")
_PART_KEYS = ("name", "columns", "weight", "quota", "where", "dialogues")
_READING_KEYS = ("reader", "links")
SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Part:
    """How the rows of one of several sources take part."""

    name: str
    """What the column `source` says of each row."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The source's own column for each column of the fused rows."""
    weight: float | None = None
    """What each row counts: the column `weight`."""
    quota: int | float | None = None
    """Rows that are kept: at most so many (an `int`), or this share of them (a `float` up to 1)."""
    where: str = ""
    """Which rows are read: a condition in SQL over the source's own columns."""
    dialogues: Mapping[str, Any] | None = None
    """The rows are the turns of conversations; see `oreline.data.input.conversations`."""

    def applied(self, frame: pl.DataFrame, place: str) -> pl.DataFrame:
        """Return the rows that are meant, with the columns named as they are fused.

        Raises `DataError` for a column that is not there, and for a condition that does not hold for its columns.
        """
        if self.where:
            frame = self._chosen(frame, place)
        for own in self.columns.values():
            if own not in frame.columns:
                raise DataError(f"no column {own!r}", where=place, allowed=did_you_mean(own, frame.columns))
        taken = [name for name in self.columns if name in frame.columns and self.columns[name] != name]
        named = [pl.col(own).alias(name) for name, own in self.columns.items()]
        others = [name for name in frame.columns if name not in self.columns.values()]
        kept = [pl.col(name).alias(f"{SOURCE}_{name}" if name in taken else name) for name in others]
        frame = frame.select(*kept, *named)
        if SOURCE not in self.columns:
            renamed = {SOURCE: f"{SOURCE}_{SOURCE}"} if SOURCE in frame.columns else {}
            frame = frame.rename(renamed).with_columns(pl.lit(self.name).alias(SOURCE))
        return frame if self.weight is None else frame.with_columns(pl.lit(float(self.weight)).alias("weight"))

    def _chosen(self, frame: pl.DataFrame, place: str) -> pl.DataFrame:
        try:
            return frame.filter(pl.sql_expr(self.where))
        except pl.exceptions.PolarsError as error:
            raise DataError(
                f"the condition {self.where!r} cannot be applied: {str(error).splitlines()[0]}",
                where=place,
                allowed=f"SQL over the columns {', '.join(frame.columns)}",
                remedy="columns of text files hold text: CAST(stars AS INT) > 3",
            ) from error


@dataclass(frozen=True, slots=True)
class Description:
    """One described source: where it is, and how to read it."""

    kind: str
    """`path`, `catalog`, `rows`, or the name of a reader."""
    given: Any
    """What stands at that key."""
    name: str | None
    part: Part
    reader: str
    links: bool
    options: Mapping[str, Any]


def is_described(value: Any) -> bool:
    """Whether a value describes a source, rather than being a row or a table by column."""
    if not isinstance(value, Mapping):
        return False
    kinds = [key for key in value if key in _kinds()]
    if len(kinds) != 1:
        return False
    given = value[kinds[0]]
    if kinds[0] != "rows" and not _is_text(given) and not (isinstance(given, list) and all(map(_is_text, given))):
        return False
    if isinstance(given, list) and any(
        isinstance(other, list) and len(other) == len(given) for other in value.values() if other is not given
    ):
        return False  # columns of equal length
    own = {*_PART_KEYS, *_READING_KEYS} & set(value)
    return bool(own - {"name", "weight"}) or len(value) == 1 or _fits(kinds[0], value)


def described(value: Mapping[str, Any]) -> Description:
    """Return what a mapping describes. Raises `UsageError` for a key or a value that no source has."""
    kind = next(key for key in value if key in _kinds())
    given, reader = value[kind], str(value.get("reader") or ("" if kind in _FILES else kind)).replace("-", "_")
    options = {key: part for key, part in value.items() if key not in (kind, *_PART_KEYS, *_READING_KEYS)}
    if kind in ("catalog", "rows") and options:
        raise UsageError(
            f"a source has no key {next(iter(options))!r}",
            where=f"{kind}: {str(given)[:80]}",
            allowed=did_you_mean(next(iter(options)), _PART_KEYS),
        )
    if reader:
        refuse_unknown(reader, options, f"{kind}: {given}")
    name = value.get("name")
    return Description(
        kind, given, None if name is None else str(name), _part(value, name), reader, bool(value.get("links")), options
    )


def refuse_unknown(reader: str, options: Mapping[str, Any], where: str) -> None:
    """Raise `UsageError` for a key that is neither an option of the reader nor one of every source."""
    known = [option.name for option in _options(reader)]
    for key in options:
        if key not in known:
            allowed = did_you_mean(key, [*known, *_PART_KEYS, *_READING_KEYS])
            raise UsageError(f"the reader {reader!r} has no option {key!r}", where=where, allowed=allowed)


def refuse_undescribed(value: Any) -> None:
    """Raise `UsageError` for what is meant to describe a source, and does not say where it is."""
    is_table = isinstance(value, Mapping) and not any(isinstance(item, str) for item in value.values())
    parts = [value] if isinstance(value, Mapping) and not is_table else value if isinstance(value, list) else []
    meant = [part for part in parts if isinstance(part, Mapping) and isinstance(part.get("columns"), Mapping | None)]
    if found := next((part for part in meant if part is value or part.get("columns")), None):
        raise UsageError(
            f"the source with the keys {', '.join(map(str, found))} does not say where it is",
            allowed=f"one of the keys {', '.join(_kinds())}, or a list of values for each column",
            remedy="{path: FILE, …}",
        )


def _part(value: Mapping[str, Any], name: Any) -> Part:
    columns = value.get("columns") or {}
    if not isinstance(columns, Mapping) or not all(isinstance(own, str) for own in columns.values()):
        raise UsageError(f"the columns are {columns!r}", allowed="{text: COLUMN, label: COLUMN, …}")
    if twice := next((own for own in columns.values() if list(columns.values()).count(own) > 1), None):
        raise UsageError(f"the column {twice!r} is named twice in {dict(columns)!r}", allowed="each column once")
    close = [name for name in columns if name not in ROLES and "did you mean" in did_you_mean(name, ROLES)]
    if close:
        raise UsageError(f"there is no role {close[0]!r}", allowed=did_you_mean(close[0], ROLES))
    weight, quota, dialogues = value.get("weight"), value.get("quota"), value.get("dialogues")
    if weight is not None and not (_is_number(weight) and 0 < weight < float("inf")):
        raise UsageError(f"the weight is {weight!r}", allowed="a number above 0")
    if quota is not None:
        quota = _quota(quota)
    if dialogues is not None and not isinstance(dialogues, Mapping):
        raise UsageError(f"dialogues is {dialogues!r}", allowed="{conversation: COLUMN, speaker: COLUMN, text: COLUMN}")
    return Part(str(name or ""), columns, weight, quota, str(value.get("where") or ""), dialogues)


def _quota(value: Any) -> int | float:
    """Return a number of rows as an `int`, a share as a `float`: `1` is one row, and `1.0` all of them.

    >>> _quota(1), _quota(1.0), _quota(5e3)
    (1, 1.0, 5000)
    """
    if _is_number(value) and 0 < value < float("inf"):
        if isinstance(value, int) or value <= 1:
            return value  # type: ignore[no-any-return]
        if value == int(value):
            return int(value)
    raise UsageError(
        f"the quota is {value!r}", allowed="a number of rows (1, 5000), or a share of them (0.25; 1.0 for all)"
    )


def _kinds() -> list[str]:
    """Return the keys that say where a source is."""
    return [*_FILES, *(name for name in registry.names("reader") if hasattr(registry.get("reader", name), "schemes"))]


def _fits(kind: str, value: Mapping[str, Any]) -> bool:
    """Whether all keys of a mapping are those of a source, or its file is there."""
    others = set(value) - {kind, *_PART_KEYS, *_READING_KEYS}
    known = {option.name for name in registry.names("reader") for option in _options(name)}
    return others <= known or (kind == "path" and _is_text(value[kind]) and os.path.exists(value[kind]))  # noqa: PTH110


def _options(name: str) -> Sequence[registry.Option]:
    return registry.options_of(registry.get("reader", name))


def _is_text(value: Any) -> bool:
    return isinstance(value, str | os.PathLike)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
