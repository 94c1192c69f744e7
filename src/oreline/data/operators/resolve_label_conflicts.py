"""Decide what happens to a text that carries several labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.duplicates.drops import Drops
from oreline.data.duplicates.equal import KEY, SPOOL_BYTES, TARGET, EqualRows, inputs_of, marks, marks_of
from oreline.data.external.row_ids import RowIds
from oreline.data.external.sorting import decoded, grouped
from oreline.data.external.spool import Spool
from oreline.data.external.table import Table
from oreline.errors import UsageError

_REASONS = ("label_conflict", "label_tied", "duplicate", "label_outvoted")


class Operator:
    """Drop all rows of a text that carries different labels, or keep one row with the label of the majority.

    With `keep="majority"` the first row of the label that most rows carry stays, and the others go: outvoted
    ones as `label_outvoted`, its own repetitions as `duplicate`. A tie keeps nothing. Where rows have no label but
    tags, all tags of a row together are its label.

    Memory: as `dedup_exact`; all rows of one text are looked at together.
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

    def whole(self, scan: pl.LazyFrame, signatures: pl.LazyFrame | None = None) -> Iterator[pl.DataFrame]:
        """Yield the rows to drop, in order; `kept_id` is the row that won, where one did."""
        self._num_texts = self._num_rows = 0
        names = scan.collect_schema().names()
        target = _target(names)
        if not target or not inputs_of(names):
            return
        share = self.memory_bytes // 8
        equal, labels = EqualRows(len(KEY), max_bytes=2 * share), Spool(np.uint64, max_bytes=share)
        for frame in marks_of(scan, target) if signatures is None else signatures.collect_batches(chunk_size=8192):
            equal.add(frame.select(KEY).to_numpy())
            labels.append(frame[TARGET].to_numpy())
        drops = Drops(equal.num_rows, max_bytes=share)
        reasons = Table(equal.num_rows, np.uint8, max_bytes=share)
        for block in grouped(equal.groups().blocks()):
            self._judge(block, labels, drops, reasons)
        ids = RowIds(scan, max_bytes=share)
        for goes in drops.blocks():
            why = pl.Series([_REASONS[code] for code in reasons.take(goes.position_P).tolist()], dtype=pl.String)
            yield goes.named(ids, reason=why)

    def _judge(self, block: NDArray[np.uint64], labels: Spool, drops: Drops, reasons: Table) -> None:
        """Note which rows of some texts go, and why."""
        text_P, row_P = decoded(block)
        rows = pl.DataFrame({"text": text_P, "position": row_P, "label": labels.at(row_P)})
        votes = rows.filter(pl.col("label").n_unique().over("text") > 1)
        self._num_texts += votes["text"].n_unique()
        self._num_rows += votes.height
        winners = _winners(votes) if self._keep == "majority" else _winners(votes.clear())
        judged = votes.join(winners, on="text", how="left").filter(pl.col("kept").ne_missing(pl.col("position")))
        reason = (
            pl.when(pl.lit(self._keep == "none"))
            .then(_REASONS.index("label_conflict"))
            .when(pl.col("winner").is_null())
            .then(_REASONS.index("label_tied"))
            .when(pl.col("label") == pl.col("winner"))
            .then(_REASONS.index("duplicate"))
            .otherwise(_REASONS.index("label_outvoted"))
        )
        position_P = judged["position"].to_numpy()
        drops.put(position_P, judged["kept"].fill_null(-1).to_numpy())
        reasons.put(position_P, judged.select(reason.alias("reason"))["reason"].to_numpy())

    def findings(self) -> dict[str, Any]:
        """Return how many texts carry different labels, in how many rows."""
        counts = {"texts with different labels": self._num_texts, "rows of such texts": self._num_rows}
        said = f"{self._num_texts:,} texts carry different labels, in {self._num_rows:,} rows"
        return {"counts": counts, "alarms": [said] if self._num_texts else []}


def _winners(votes: pl.DataFrame) -> pl.DataFrame:
    """Return, for each text with one most frequent label, that label and the first row that carries it."""
    counts = votes.group_by("text", "label").agg(num_votes=pl.len(), kept=pl.col("position").min())
    most = counts.filter(pl.col("num_votes") == pl.col("num_votes").max().over("text"))
    alone = most.filter(pl.len().over("text") == 1)
    return alone.select("text", "kept", winner="label")


def _target(columns: Sequence[str]) -> list[str]:
    known: tuple[str, ...] = ("label", "tags")
    return [role for role in known if role in columns][:1]
