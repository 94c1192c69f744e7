"""Decide what happens to a text that carries several labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import polars as pl

from oreline.data.duplicates.equal import KEY, SPOOL_BYTES, inputs_of, marks, marks_of, repeated
from oreline.data.fold import row_ids_at
from oreline.errors import UsageError


class Operator:
    """Drop all rows of a text that carries different labels, or keep one row with the label of the majority.

    With `keep="majority"` the first row of the label that most rows carry stays, and the others go: outvoted
    ones as `label_outvoted`, its own repetitions as `duplicate`. A tie keeps nothing. Where rows have no label but
    tags, all tags of a row together are its label.
    """

    memory_bytes = 4 * SPOOL_BYTES

    def __init__(self, *, keep: Literal["none", "majority"] = "none") -> None:
        if keep not in ("none", "majority"):
            raise UsageError(f"resolve_label_conflicts: keep is {keep!r}", allowed="none, majority")
        self._keep = keep
        self._num_texts = self._num_rows = 0

    def signatures(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return hashes of the text and of the label of each row."""
        return marks(frame, _target(frame.columns))

    def whole(self, scan: pl.LazyFrame, signatures: pl.LazyFrame | None = None) -> pl.DataFrame:
        """Return the rows to drop; `kept_id` is the row that won, where one did."""
        self._num_texts = self._num_rows = 0
        names = scan.collect_schema().names()
        target = _target(names)
        if not target or not inputs_of(names):
            return pl.DataFrame(schema={"row_id": pl.String, "reason": pl.String, "kept_id": pl.String})
        found = marks_of(scan, target) if signatures is None else signatures.collect_batches(chunk_size=8192)
        rows = repeated(found, max_bytes=self.memory_bytes // 4).rename({"target": "label"})
        key = list(KEY)
        votes = rows.filter(pl.col("label").n_unique().over(key) > 1)
        self._num_texts, self._num_rows = votes.select(key).n_unique(), votes.height
        none_won = pl.lit(None, dtype=pl.UInt32)
        if self._keep == "none":
            dropped = votes.select("position", kept=none_won, reason=pl.lit("label_conflict"))
            return row_ids_at(scan, dropped)
        winners = _winners(votes, key)
        judged = votes.join(winners, on=key, how="left").filter(pl.col("kept").ne_missing(pl.col("position")))
        reason = (
            pl.when(pl.col("winner").is_null())
            .then(pl.lit("label_tied"))
            .when(pl.col("label") == pl.col("winner"))
            .then(pl.lit("duplicate"))
            .otherwise(pl.lit("label_outvoted"))
        )
        return row_ids_at(scan, judged.select("position", "kept", reason=reason))

    def findings(self) -> dict[str, Any]:
        """Return how many texts carry different labels, in how many rows."""
        counts = {"texts with different labels": self._num_texts, "rows of such texts": self._num_rows}
        said = f"{self._num_texts:,} texts carry different labels, in {self._num_rows:,} rows"
        return {"counts": counts, "alarms": [said] if self._num_texts else []}


def _winners(votes: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Return, for each text with one most frequent label, that label and the first row that carries it."""
    counts = votes.group_by(*key, "label").agg(num_votes=pl.len(), kept=pl.col("position").min())
    most = counts.filter(pl.col("num_votes") == pl.col("num_votes").max().over(key))
    alone = most.filter(pl.len().over(key) == 1)
    return alone.select(*key, "kept", winner="label")


def _target(columns: Sequence[str]) -> list[str]:
    known: tuple[str, ...] = ("label", "tags")
    return [role for role in known if role in columns][:1]
