"""Decide what happens to a text that carries several labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import polars as pl

from oreline.data.duplicates.drops import Drops
from oreline.data.duplicates.equal import KEY, SPOOL_BYTES, TARGET, EqualRows, differing, inputs_of, marks, marks_of
from oreline.data.duplicates.survivors import best_of
from oreline.data.duplicates.tokens import I64, mixed
from oreline.data.external.row_ids import RowIds
from oreline.data.external.runs import counted
from oreline.data.external.sorting import Sorted, coded, decoded
from oreline.data.external.spool import Spool
from oreline.data.external.table import Bits, Table
from oreline.errors import UsageError


class Operator:
    """Drop all rows of a text that carries different labels, or keep one row with the label of the majority.

    With `keep="majority"` the first row of the label that most rows carry stays, and the others go: outvoted
    ones as `label_outvoted`, its own repetitions as `duplicate`. A tie keeps nothing. Where rows have no label but
    tags, all tags of a row together are its label.

    Memory: up to about half of `--memory` for hashes of texts and labels, which lie on disk beyond it; some bits a row
    stay.
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
        share = self.memory_bytes // 16
        equal, votes = (EqualRows(len(KEY), max_bytes=4 * share) for _ in range(2))
        labels = Spool(np.uint64, max_bytes=share)
        for frame in marks_of(scan, target) if signatures is None else signatures.collect_batches(chunk_size=8192):
            keys_NW, label_N = frame.select(KEY).to_numpy(), frame[TARGET].to_numpy()
            equal.add(keys_NW)
            labels.append(label_N)
            if self._keep == "majority":
                votes.add(keys_NW ^ mixed(label_N)[:, None])
        texts = equal.groups()
        disputed = _Disputed(texts, differing(texts, labels))
        poll = _Poll(disputed, votes, max_bytes=4 * share) if self._keep == "majority" else None
        drops = Drops(equal.num_rows, max_bytes=share)
        for text_P, row_P in disputed.blocks():
            self._num_rows += len(row_P)
            kept_P = poll.winners(text_P) if poll is not None else np.full(len(row_P), -1)
            goes_P = row_P != kept_P
            drops.put(row_P[goes_P], kept_P[goes_P])
        self._num_texts = disputed.texts.count()
        ids = RowIds(scan, max_bytes=share)
        unsettled = "label_tied" if self._keep == "majority" else "label_conflict"
        for goes in drops.blocks():
            is_same_P = labels.at(goes.position_P) == labels.at(np.maximum(goes.kept_P, 0))
            why = np.where(goes.kept_P < 0, unsettled, np.where(is_same_P, "duplicate", "label_outvoted"))
            yield goes.named(ids, reason=pl.Series(why, dtype=pl.String))

    def findings(self) -> dict[str, Any]:
        """Return how many texts carry different labels, in how many rows."""
        counts = {"texts with different labels": self._num_texts, "rows of such texts": self._num_rows}
        said = f"{self._num_texts:,} texts carry different labels, in {self._num_rows:,} rows"
        return {"counts": counts, "alarms": [said] if self._num_texts else []}


class _Disputed:
    """The rows of the texts that carry different labels."""

    def __init__(self, groups: Sorted, texts: Bits) -> None:
        self._groups, self.texts = groups, texts

    def blocks(self) -> Iterator[tuple[I64, I64]]:
        """Yield some rows and the first row of each one's text, by rising texts."""
        for block in self._groups.blocks():
            text_P, row_P = decoded(block)
            is_disputed_P = self.texts.at(text_P)
            yield text_P[is_disputed_P], row_P[is_disputed_P]


class _Poll:
    """Counts the votes for each label of a text; the first row that carries a label stands for it.

    Args:
        disputed: the rows of which some label wins.
        votes: all rows; equal are those of one text and one label.
        max_bytes: held in memory, about; the rest lies on disk.
    """

    def __init__(self, disputed: _Disputed, votes: EqualRows, *, max_bytes: int) -> None:
        num_rows, again = votes.num_rows, votes.groups()
        self._num_votes = Table(num_rows, np.uint32, max_bytes=max_bytes // 4)
        """For the first of several rows; 0 for the only one."""
        for first_P, votes_P in counted(decoded(block)[0] for block in again.blocks()):
            self._num_votes.put(first_P, votes_P)
        repeats = Bits(num_rows)
        for block in again.blocks():
            first_P, row_P = decoded(block)
            repeats.set(row_P[row_P != first_P])
        self._winner = Table(num_rows, np.uint32, max_bytes=max_bytes // 4)
        self._is_tied = Bits(num_rows)
        labels = Sorted(max_bytes=max_bytes // 4)
        for text_P, row_P in disputed.blocks():
            is_first_P = ~repeats.at(row_P)
            labels.append(coded(text_P[is_first_P], row_P[is_first_P]))
        for text_P, row_P in best_of(labels.blocks(), lambda row_P: -self._votes(row_P)):
            self._winner.put(text_P, row_P)
        for block in labels.blocks():
            text_P, row_P = decoded(block)
            winner_P = self._winner.take(text_P).astype(np.int64)
            self._is_tied.set(text_P[(row_P != winner_P) & (self._votes(row_P) == self._votes(winner_P))])

    def winners(self, text_P: I64) -> I64:
        """Return the row that stands for the winning label of each text; -1 where several have as many votes."""
        winner_P: I64 = self._winner.take(text_P).astype(np.int64)
        return np.where(self._is_tied.at(text_P), -1, winner_P)

    def _votes(self, row_P: I64) -> I64:
        num_votes_P: I64 = np.maximum(self._num_votes.take(row_P), 1).astype(np.int64)
        return num_votes_P


def _target(columns: Sequence[str]) -> list[str]:
    known: tuple[str, ...] = ("label", "tags")
    return [role for role in known if role in columns][:1]
