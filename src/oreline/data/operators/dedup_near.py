"""Drop rows whose texts are nearly the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import numpy as np
import polars as pl

from oreline.data.columnar import frames_of
from oreline.data.duplicates.drops import Disagreement, Goes
from oreline.data.duplicates.examples import Examples
from oreline.data.duplicates.minhash import bands
from oreline.data.duplicates.near import SKETCH, NearIndex, compared, from_frame, sketch, to_frame
from oreline.data.duplicates.near_rows import SPOOL_BYTES, Found, NearRows
from oreline.data.duplicates.survivors import ranks
from oreline.data.external.row_ids import RowIds
from oreline.data.external.spool import Spool
from oreline.data.external.table import Bits
from oreline.data.fold import INPUT_ROLES
from oreline.data.ledger import source_of
from oreline.data.quality.rules import Bound, Calibration
from oreline.errors import UsageError

_MANY = 1000
"""Rows of one cluster that are an alarm."""
_GREEDY_SHARE = 0.5
"""Share of a source's rows whose loss is an alarm."""
_LOOKED_AT = 0.5
"""Similarity from which on a calibration shows it."""


class Operator:
    """Of rows whose texts are nearly the same keep the best one.

    Two texts are near when the Jaccard index of their shingles is at least the threshold. Candidates come from MinHash
    with banding (99.7 % of the pairs at the threshold are found), and every one is compared exactly. Shingles are runs
    of words, in Chinese, Japanese and Thai of characters: 2 in texts of less than 50, 5 in longer ones, and 10
    characters from 2,000 on. Near rows are connected; the best row of each component stays, and those go that are like
    it or two steps away at most, so that a chain of boilerplate cannot remove texts that differ. The ledger names the
    row that each gave way to, and how similar they are.

    Clusters whose rows carry different labels, tags or answers are left alone, as `dedup_exact` leaves them.

    Memory: up to about half of `--memory` for shingles and numbers, which lie on disk beyond it; some bits a row stay.

    Args:
        threshold: Jaccard index, above 0, at most 1.
        keep: which row of a cluster stays: the `longest` (most words), the `first`, the `newest` by the role `time`, or
            the one whose `column` is `highest`. Of equal rows the first stays.
        column: column of numbers for `keep: highest`.
        shingle: words (or characters) in a shingle, for all texts; chosen by their length when not set.
    """

    memory_bytes = 8 * SPOOL_BYTES
    by_text = SKETCH
    """Parts of a signature that its texts alone decide."""

    def __init__(
        self,
        *,
        threshold: float = 0.8,
        keep: Literal["longest", "first", "newest", "highest"] = "longest",
        column: str = "weight",
        shingle: int | None = None,
    ) -> None:
        if not 0 < threshold <= 1:
            raise UsageError(f"dedup_near: threshold is {threshold}", allowed="above 0, at most 1")
        if shingle is not None and not 1 <= shingle <= 50:
            raise UsageError(f"dedup_near: shingle is {shingle}", allowed="1 to 50")
        self._threshold, self._keep, self._column, self._shingle = threshold, keep, column, shingle
        self._findings: dict[str, Any] = {"counts": {}, "alarms": []}

    def signatures(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the sketch of each row: what is compared of it."""
        columns = [role for role in INPUT_ROLES if role in frame.columns]
        texts = compared(frame, columns) if columns else pl.Series([None] * frame.height, dtype=pl.String)
        return to_frame(sketch(texts, threshold=self._threshold, size=self._shingle), frame.height)

    def whole(self, scan: pl.LazyFrame, signatures: pl.LazyFrame | None = None) -> Iterator[pl.DataFrame]:
        """Yield the rows to drop, in order, the row that each gave way to, and how similar the two are."""
        self._findings = {"counts": {}, "alarms": []}
        names = scan.collect_schema().names()
        inputs = [role for role in INPUT_ROLES if role in names]
        if not inputs:
            return
        share = self.memory_bytes // 64
        found = self._found(scan, inputs, signatures)
        drops, similarity = found.divided.drops, found.similarity
        differ = Disagreement(drops, scan, max_bytes=share)
        seen, ids = _Seen(drops.num_rows), RowIds(scan, max_bytes=share)
        for goes in drops.blocks():
            are_left = differ.among(goes)
            seen.num_left += int(are_left.sum())
            frame = goes.where(~are_left).named(ids, reason="near_duplicate", similarity=similarity)
            seen.take(frame, goes.where(~are_left))
            yield frame
        self._findings = _findings(found, seen, differ, scan)

    def _found(self, scan: pl.LazyFrame, inputs: list[str], signatures: pl.LazyFrame | None) -> Found:
        """Return the clusters among all rows."""
        rows = NearRows(self._threshold, max_bytes=self.memory_bytes // 8)
        lengths = Spool(np.int64, max_bytes=self.memory_bytes // 64)
        if signatures is None:
            sketches: Iterable[pl.DataFrame] = map(self.signatures, frames_of(scan.select(inputs)))
        else:
            sketches = frames_of(signatures)
        for frame in sketches:
            found = from_frame(frame, bands(self._threshold)[0])
            rows.add(found)
            lengths.append(found.counts_N)
        share = self.memory_bytes // 64
        return rows.clusters(ranks(scan, self._keep, self._column, lengths, operator="dedup_near", max_bytes=share))

    def calibration(self, frame: pl.DataFrame) -> Calibration:
        """Return how similar each row is to the most similar one before it, from one half on, with the threshold."""
        least = min(_LOOKED_AT, self._threshold)
        texts = compared(frame, [role for role in INPUT_ROLES if role in frame.columns])
        known = sketch(texts, threshold=least, size=self._shingle)
        most: dict[int, float] = {}
        for row, other, similarity in NearIndex.of([known], threshold=least).pairs(known):
            if other < row:
                most[row] = max(most.get(row, 0.0), similarity)
        values = pl.Series("similarity", [most.get(row) for row in range(frame.height)], dtype=pl.Float64)
        every = pl.Series("language", ["all"], dtype=pl.String).new_from_index(0, frame.height)
        bound = Bound("threshold", "similarity", "high", self._threshold)
        return Calibration(values.to_frame(), every, {"all": (bound,)})

    def findings(self) -> dict[str, Any]:
        """Return the number and size of the clusters, and alarms where much went at once."""
        return self._findings


class _Seen:
    """What is remembered of the rows that go, while they stream by."""

    def __init__(self, num_rows: int) -> None:
        self.kept = Bits(num_rows)
        self.gone: Counter[str] = Counter()
        self.examples = Examples()
        self.num_left = 0
        """Rows that stay because labels differ in their cluster; the best of each not counted."""

    def take(self, frame: pl.DataFrame, goes: Goes) -> None:
        """Take in rows that go."""
        self.kept.set(goes.kept_P)
        for source, rows in frame.select(source_of()).to_series().value_counts().iter_rows():
            self.gone[source] += rows
        self.examples.take(frame, goes)


def _findings(found: Found, seen: _Seen, differ: Disagreement, scan: pl.LazyFrame) -> dict[str, Any]:
    largest = found.divided.largest
    counts = {
        "clusters": seen.kept.count(),
        "rows left because labels differ in their cluster": seen.num_left + differ.count(),
        "rows connected by a chain of near rows, at most": max(largest, min(seen.kept.size, 1)),
        "rows of chains that were too long to divide": found.divided.num_unmerged,
        "candidates that were not compared": found.num_skipped,
    }
    alarms = []
    if largest > _MANY:
        alarms.append(
            f"{largest:,} rows are one cluster of near-duplicates by chains: boilerplate? Only rows like the one that "
            "stays went"
        )
    if found.num_skipped:
        alarms.append(f"{found.num_skipped:,} candidates were not compared: more near-duplicates may be left")
    rows: Counter[str] = Counter()
    for part in scan.select(source=source_of()).collect_batches():
        rows.update(dict(part["source"].value_counts().iter_rows()))
    for source, num_gone in sorted(seen.gone.items()):
        if num_gone > _GREEDY_SHARE * rows[source] and num_gone > _MANY // 200:
            share = num_gone / rows[source]
            alarms.append(
                f"{num_gone:,} of the {rows[source]:,} rows of {source} ({share:.1%}) went as near-duplicates"
            )
    return {"counts": counts, "alarms": alarms, "examples": seen.examples.rows(scan)}
