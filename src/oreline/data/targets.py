"""Labelled rows of a split, with what stands beside the target folded into it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from oreline.data.dataset import Dataset


def labelled_frame(data: Dataset, split: str, task: Any, columns: Sequence[str]) -> pl.DataFrame:
    """Return columns of a split, the target among them; roles that belong to the target are folded into it.

    A task names such roles in `beside`. Where the data have one of them, a target becomes a JSON object by role, which
    the task reads as it reads a plain one.

    Args:
        data: the dataset.
        split: its split.
        task: a task or its plug.
        columns: which columns.
    """
    beside = [role for role in getattr(task, "beside", ()) if role in data.manifest.columns and role not in columns]
    frame = data.frame(split, [*columns, *beside])
    if not beside:
        return frame
    wanted = [task.target, *beside]
    folded = [_folded(dict(zip(wanted, row))) for row in frame.select(wanted).iter_rows()]
    return frame.with_columns(pl.Series(task.target, folded, dtype=pl.String)).select(columns)


def _folded(values: dict[str, Any]) -> str | None:
    """Return a target as JSON; plain where nothing stands beside it, null where there is none.

    >>> _folded({"text_pair": "a", "label": "1"}), _folded({"text_pair": "a", "label": None})
    ('{"text_pair": "a", "label": "1"}', 'a')
    """
    target, *others = values.values()
    if target is None or all(other is None for other in others):
        return None if target is None else str(target)
    return json.dumps({role: value for role, value in values.items() if value is not None}, ensure_ascii=False)
