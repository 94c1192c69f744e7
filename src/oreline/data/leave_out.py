"""Leave some values of a column out of a dataset, to see how what is learnt from the others carries over to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from oreline.data.dataset import Dataset
from oreline.data.refine import refine
from oreline.errors import DataError, UsageError, amount, did_you_mean
from oreline.types import FRAME, ROLES, OnEvent, ignore

LEFT_OUT = "left_out"
"""Split of the test rows that have the values."""
LEFT_OUT_TRAIN = "left_out_train"
"""Split of all other rows that have them; their texts may be learnt from where that is asked for, their labels not."""


def leave_out(
    data: Dataset,
    column: str,
    values: Sequence[str],
    *,
    out: str | Path,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Dataset:
    """Write a dataset whose splits lack the rows with some values, and which has these rows as splits of their own.

    Args:
        data: a dataset with a train and a test split.
        column: a column of it, by its own name or its role.
        values: values of the column, as text.
        out: the new dataset's folder.
        force: replace `out` if it exists.
        on_event: told of progress.

    Raises:
        DataError: no train or test split, no such column, or a value that no test row or every training row has.
    """
    name = column_of(data, column)
    own = data.manifest.roles.get(name, name)
    has_them = pl.col(own).cast(pl.String).is_in(list(values)).fill_null(False)
    frames = {split: _as_read(data, split) for split in data.splits}
    given = {split: frame.filter(~has_them) for split, frame in frames.items()}
    given[LEFT_OUT] = frames["test"].filter(has_them)
    _refuse_useless(data, own, values, given)
    given[LEFT_OUT_TRAIN] = pl.concat([frame.filter(has_them) for split, frame in frames.items() if split != "test"])
    return refine(
        {split: frame for split, frame in given.items() if frame.height},
        roles={role: source for role, source in data.manifest.roles.items() if role in ROLES},
        operators=[],
        split={},
        out=out,
        force=force,
        on_event=on_event,
    )


def column_of(data: Dataset, column: str) -> str:
    """Return the name that a column has in the shards. Raises `DataError` where there is none, or no train or test."""
    if lacking := next((split for split in ("train", "test") if split not in data.splits), None):
        raise DataError(
            f"the data have no split {lacking!r}, so that nothing can be left out of it",
            where=str(data.path),
            allowed="data with train and test",
            remedy="refine them with the default splits, or give test rows: oreline refine train=… test=…",
        )
    by_source = {source: role for role, source in data.manifest.roles.items()}
    name = by_source.get(column, column)
    if name not in data.manifest.columns or name == "row_id":
        known = {*by_source, *data.manifest.columns} - {"row_id", FRAME}
        raise DataError(
            f"the data have no column {column!r}", where=str(data.path), allowed=did_you_mean(column, known)
        )
    return name


def values_of(data: Dataset, name: str, *, most: int) -> list[str]:
    """Return the values of a column that test rows have, the frequent first.

    Raises `UsageError` for too many, and for a column most of whose rows have a value of their own: each would be left
    out for the sake of one row.
    """
    own = data.manifest.roles.get(name, name)
    all_rows = pl.concat([data.frame(split, [name]) for split in data.splits]).drop_nulls()
    if all_rows[name].n_unique() > all_rows.height / 2:
        raise UsageError(
            f"the column {own!r} has {amount(all_rows[name].n_unique(), 'value')} in {amount(all_rows.height, 'row')}: "
            "it looks like ids or free text, and leaving one value out leaves out one row",
            where=str(data.path),
            allowed="a column that says where rows come from, with values that many rows share",
            remedy=f"name another column, or values that are left out together: --leave-out {own}=VALUE,VALUE",
        )
    counted = data.frame("test", [name]).drop_nulls().group_by(name).len().sort(["len", name], descending=[True, False])
    values = [str(value) for value in counted[name].to_list()]
    if not 2 <= len(values) <= most:
        raise UsageError(
            f"the column {own!r} has {amount(len(values), 'value')} in test: each would be left out once",
            where=str(data.path),
            allowed=f"2 to {most} values",
            remedy=f"name the values: --leave-out {own}=VALUE,VALUE",
        )
    return values


def _as_read(data: Dataset, split: str) -> pl.DataFrame:
    """Return a split with columns by their own names, as refine read it."""
    frame = data.frame(split)
    frame = frame.drop(FRAME) if FRAME in frame.columns and FRAME not in data.manifest.roles else frame
    own = {role: source for role, source in data.manifest.roles.items() if role in frame.columns and role != source}
    return frame.rename(own)


def _refuse_useless(data: Dataset, own: str, values: Sequence[str], given: Mapping[str, pl.DataFrame]) -> None:
    found = set(given[LEFT_OUT][own].cast(pl.String).to_list())
    if missing := next((value for value in values if value not in found), None):
        known = {*found, *given["test"][own].cast(pl.String).drop_nulls().to_list()}
        what = f"no test row has the value {missing!r} in {own!r}"
        raise DataError(what, where=str(data.path), allowed=did_you_mean(missing, known))
    if split := next((split for split in ("train", "test") if not given[split].height), None):
        raise DataError(
            f"every row of {split} has one of the values {', '.join(values)} in {own!r}",
            where=str(data.path),
            remedy="leave fewer values out",
        )
