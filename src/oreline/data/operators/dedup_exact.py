"""Drop repeated texts."""

from __future__ import annotations

import polars as pl

from oreline.data.duplicates.equal import KEY, SPOOL_BYTES, inputs_of, marks, marks_of, repeated
from oreline.data.duplicates.survivors import DROPS, TARGETS
from oreline.data.fold import row_ids_at


class Operator:
    """Keep the first of the rows whose texts are the same after folding case, width and white space.

    The first row stays, not the longest or the newest: after folding the rows differ in nothing that a model
    sees, the order of a file is the one thing that is the same in every run, and an id that was published stays.

    Rows of one text with different labels, tags or answers are all left alone, repeated ones too: to merge them would
    decide which label is right. That is the work of `resolve_label_conflicts`, which needs every vote.

    Memory: about 24 bytes a row, never the texts; hashes lie on disk beyond a bound.
    """

    memory_bytes = 4 * SPOOL_BYTES
    by_text = KEY
    """Parts of a signature that its texts alone decide."""

    def signatures(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return hashes of the texts and of the targets of each row."""
        return marks(frame, _targets(frame.columns))

    def whole(self, scan: pl.LazyFrame, signatures: pl.LazyFrame | None = None) -> pl.DataFrame:
        """Return the rows to drop with the row that each gave way to."""
        names = scan.collect_schema().names()
        if not inputs_of(names):
            return pl.DataFrame(schema=DROPS).drop("similarity")
        found = marks_of(scan, _targets(names)) if signatures is None else signatures.collect_batches(chunk_size=8192)
        rows = repeated(found, max_bytes=self.memory_bytes // 4)
        groups = (
            rows.group_by(KEY)
            .agg(kept=pl.col("position").min(), is_one_label=pl.col("target").n_unique() == 1)
            .filter(pl.col("is_one_label"))
        )
        others = rows.join(groups, on=KEY).filter(pl.col("position") != pl.col("kept"))
        return row_ids_at(scan, others.select("position", "kept", reason=pl.lit("duplicate")))


def _targets(columns: list[str]) -> list[str]:
    return [role for role in TARGETS if role in columns]
