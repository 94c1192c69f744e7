"""Drop repeated texts."""

from __future__ import annotations

import polars as pl

from oreline.data.fold import INPUT_ROLES, hashed, row_ids_at


class Operator:
    """Keep the first of the rows whose texts are the same after folding case, width and white space.

    The first row stays, not the longest or the newest: after folding the rows differ in nothing that a model
    sees, the order of a file is the one thing that is the same in every run, and an id that was published stays.

    Rows of one text with different labels, tags or answers are all left alone, repeated ones too: to merge them would
    decide which label is right. That is the work of `resolve_label_conflicts`, which needs every vote.

    Memory: a hash of 16 bytes a row, never the texts.
    """

    def whole(self, scan: pl.LazyFrame) -> pl.DataFrame:
        """Return the rows to drop with the row that each gave way to."""
        names = scan.collect_schema().names()
        targets = [role for role in ("label", "tags", "answers", "target_text") if role in names]
        rows = hashed(scan, [role for role in INPUT_ROLES if role in names], keep=targets)
        is_one_label = pl.all_horizontal([pl.lit(True), *(pl.col(role).n_unique() == 1 for role in targets)])
        groups = (
            rows.group_by("hash_high", "hash_low")
            .agg(kept=pl.col("position").min(), size=pl.len(), is_one_label=is_one_label)
            .filter(pl.col("size") > 1, pl.col("is_one_label"))
        )
        repeated = rows.join(groups, on=["hash_high", "hash_low"]).filter(pl.col("position") != pl.col("kept"))
        return row_ids_at(scan, repeated.select("position", "kept", reason=pl.lit("duplicate")))
