"""Drop rows that also stand in files which the data must not overlap: a test set, say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from oreline.data.fold import INPUT_ROLES, joined, row_hashes
from oreline.data.near import NearIndex
from oreline.data.sources import Source, sources
from oreline.errors import DataError, did_you_mean
from oreline.types import Operator

NAME = "against"
"""What the ledger calls it."""


class Against:
    """Drops rows whose text stands in the given files, exactly (after folding) or nearly.

    The files' texts pass through the same edits as the data first. They are all held in memory.
    """

    def __init__(self, given: Sequence[Any], roles: Mapping[str, str], edits: Sequence[Operator]) -> None:
        parts = [_inputs(source, roles, edits) for item in given for source in sources(item)]
        self._rows = pl.concat(parts, how="diagonal")
        self._columns = [name for name in INPUT_ROLES if name in self._rows.columns]
        hashes = row_hashes(self._rows, self._columns)
        self._first_of: dict[int, int] = {}
        for row, value in enumerate(hashes.tolist()):
            self._first_of.setdefault(value, row)
        self._index = NearIndex(self._rows.select(joined(self._columns)).to_series())

    def whole(self, scan: pl.LazyFrame) -> pl.DataFrame:
        """Return the rows to drop; `kept_id` is the row of the other file."""
        names = scan.collect_schema().names()
        columns = [name for name in self._columns if name in names]
        drops = [pl.DataFrame(schema={"row_id": pl.String, "reason": pl.String, "kept_id": pl.String})]
        for frame in scan.select("row_id", *columns).collect_batches(chunk_size=8192):
            texts = frame.select(joined(columns)).to_series()
            found = {pair.text: (pair.indexed, "near_duplicate") for pair in self._index.matches(texts)}
            for row, value in enumerate(row_hashes(frame, columns).tolist()):
                if value in self._first_of:
                    found[row] = (self._first_of[value], "same_text")
            rows = np.array(sorted(found), np.uint32)
            others = np.array([found[row][0] for row in rows.tolist()], np.uint32)
            drops.append(
                pl.DataFrame(
                    {
                        "row_id": frame["row_id"].gather(rows),
                        "reason": [found[row][1] for row in rows.tolist()],
                        "kept_id": self._rows["row_id"].gather(others),
                    },
                    schema_overrides={"reason": pl.String},
                )
            )
        return pl.concat(drops)


def _inputs(source: Source, roles: Mapping[str, str], edits: Sequence[Operator]) -> pl.DataFrame:
    """Return the row ids and input texts of a file, edited as the data are."""
    frames = []
    for frame in source.frames():
        columns = {}
        for role in INPUT_ROLES:
            named = [name for name in (roles.get(role, role), role) if name in frame.columns]
            if named:
                columns[role] = pl.col(named[0]).cast(pl.String)
        if "text" not in columns:
            wanted = roles.get("text", "text")
            raise DataError(
                f"no column {wanted!r} to compare with",
                where=source.place,
                allowed=did_you_mean(wanted, frame.columns[1:]),
                remedy="name the column as in the data, or `text`",
            )
        texts = frame.select("row_id", **columns).filter(pl.col("text").is_not_null())
        for operator in edits:
            texts = operator.edit(texts)  # type: ignore[attr-defined]
        frames.append(texts.select("row_id", *columns))
    return pl.concat(frames)
