"""Drop repeated texts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from oreline.data.duplicates.drops import TARGETS, Drops
from oreline.data.duplicates.equal import KEY, SPOOL_BYTES, TARGET, EqualRows, differing, inputs_of, marks, marks_of
from oreline.data.external.sorting import decoded
from oreline.data.external.spool import Spool


class Operator:
    """Keep the first of the rows whose texts are the same after folding case, width and white space.

    The first row stays, not the longest or the newest: after folding the rows differ in nothing that a model
    sees, the order of a file is the one thing that is the same in every run, and an id that was published stays.

    Rows of one text with different labels, tags or answers are all left alone, repeated ones too: to merge them would
    decide which label is right. That is the work of `resolve_label_conflicts`, which needs every vote.

    Memory: up to about half of `--memory` for hashes of the texts, which lie on disk beyond it; a bit a row stays.
    """

    memory_bytes = 4 * SPOOL_BYTES
    by_text = KEY
    """Parts of a signature that its texts alone decide."""

    def signatures(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return hashes of the texts and of the targets of each row."""
        return marks(frame, _targets(frame.columns))

    def whole(self, scan: pl.LazyFrame, signatures: pl.LazyFrame | None = None) -> Iterator[pl.DataFrame]:
        """Yield the rows to drop, in order, with the row that each gave way to."""
        names = scan.collect_schema().names()
        if not inputs_of(names):
            return
        share = self.memory_bytes // 8
        equal, targets = EqualRows(len(KEY), max_bytes=2 * share), Spool(np.uint64, max_bytes=share)
        found = marks_of(scan, _targets(names)) if signatures is None else signatures.collect_batches(chunk_size=8192)
        for frame in found:
            equal.add(frame.select(KEY).to_numpy())
            targets.append(frame[TARGET].to_numpy())
        groups = equal.groups()
        differ = differing(groups, targets)
        drops = Drops(equal.num_rows, max_bytes=share)
        for block in groups.blocks():
            first_P, row_P = decoded(block)
            goes = (row_P != first_P) & ~differ.at(first_P)
            drops.put(row_P[goes], first_P[goes])
        yield from drops.named(scan, reason="duplicate", max_bytes=share)


def _targets(columns: list[str]) -> list[str]:
    return [role for role in TARGETS if role in columns]
