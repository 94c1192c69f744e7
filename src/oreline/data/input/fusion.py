"""What several sources have in common: texts that occur in more than one, and labels that disagree about them."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from oreline.data.fold import INPUT_ROLES, wide_hashes
from oreline.report.report import Table

MAX_ROWS = 20_000_000
"""Rows that are compared; beyond, texts are drawn by their hash, and the counts are estimates."""


OVERLAP = "Overlap of the sources"
"""Title of the table."""


class Fusion:
    """Collects hashes of the texts of each source, about 14 bytes a row."""

    def __init__(self) -> None:
        self._parts: list[pl.DataFrame] = []
        self._num_rows = 0
        self._names: dict[str, int] = {}
        self._drawn = 1
        """One text of so many is compared."""

    def add(self, name: str, frame: pl.DataFrame) -> None:
        """Take in rows of a source, columns named by role."""
        inputs = [role for role in INPUT_ROLES if role in frame.columns]
        if not inputs or not frame.height:
            return
        number = self._names.setdefault(name, len(self._names))
        text = wide_hashes(frame, inputs)["hash_high"]
        label = frame["label"] if "label" in frame.columns else pl.Series([None] * frame.height, dtype=pl.String)
        part = pl.DataFrame([text.alias("text"), label.hash().cast(pl.UInt64).alias("label")])
        part = part.with_columns(pl.lit(number, dtype=pl.UInt16).alias("source"))
        self._keep(part)

    def write(self, file: Path) -> None:
        """Write what was collected; nothing where there is none."""
        if self._parts:
            names = pl.Series("name", list(self._names), dtype=pl.String)
            rows = pl.concat(self._parts).with_columns(name=names.gather(pl.concat(self._parts)["source"]))
            rows.drop("source").with_columns(drawn=pl.lit(self._drawn)).write_parquet(file)

    def read(self, file: Path) -> None:
        """Take in what another one wrote, if it wrote anything."""
        if not file.is_file():
            return
        rows = pl.read_parquet(file)
        self._drawn = max(self._drawn, int(rows["drawn"][0]))
        for name in rows["name"].unique(maintain_order=True).to_list():
            number = self._names.setdefault(name, len(self._names))
            own = rows.filter(pl.col("name") == name).select("text", "label")
            self._keep(own.with_columns(pl.lit(number, dtype=pl.UInt16).alias("source")))
        self._parts = [self._drawn_of(part) for part in self._parts]

    def _keep(self, part: pl.DataFrame) -> None:
        self._parts.append(self._drawn_of(part))
        self._num_rows += self._parts[-1].height
        while self._num_rows > MAX_ROWS:
            self._drawn *= 2
            self._parts = [self._drawn_of(part) for part in self._parts]
            self._num_rows = sum(part.height for part in self._parts)

    def _drawn_of(self, part: pl.DataFrame) -> pl.DataFrame:
        return part if self._drawn == 1 else part.filter(pl.col("text") % self._drawn == 0)

    def pairs(self) -> pl.DataFrame:
        """Return `first`, `second`, `shared` (texts in both) and `conflicts` (of these, with no label in common)."""
        schema = {"first": pl.String, "second": pl.String, "shared": pl.Int64, "conflicts": pl.Int64}
        if len(self._names) < 2:
            return pl.DataFrame(schema=schema)
        distinct = pl.concat(self._parts).unique()
        several = distinct.filter(pl.col("source").n_unique().over("text") > 1)
        both = several.join(several, on="text", suffix="_2").filter(pl.col("source") < pl.col("source_2"))
        agrees = (pl.col("label") == pl.col("label_2")).fill_null(True).any().alias("agrees")
        texts = both.group_by("source", "source_2", "text").agg(agrees)
        counted = texts.group_by("source", "source_2").agg(
            pl.len().cast(pl.Int64).alias("shared"), (~pl.col("agrees")).sum().cast(pl.Int64).alias("conflicts")
        )
        names = list(self._names)
        rows = [
            (names[a], names[b], shared * self._drawn, conflicts * self._drawn)
            for a, b, shared, conflicts in counted.sort("source", "source_2").iter_rows()
        ]
        return pl.DataFrame(rows, schema=schema, orient="row")

    def tables(self) -> list[Table]:
        """Return the table of the report; none where there are no two sources."""
        if len(self._names) < 2:
            return []
        note = f"Estimated from one text of {self._drawn}." if self._drawn > 1 else "As read, before any operator."
        rows = [list(row) for row in self.pairs().iter_rows()]
        note = note if rows else "No text is in two of the sources."
        columns = ["source", "other source", "texts in both", "of these, labels differ"]
        return [Table(OVERLAP, columns, rows, note)]

    def warnings(self) -> list[str]:
        """Say where sources contradict one another."""
        return [
            f"{conflicts:,} of {shared:,} texts that are in {first} and in {second} have different labels"
            for first, second, shared, conflicts in self.pairs().iter_rows()
            if conflicts
        ]
