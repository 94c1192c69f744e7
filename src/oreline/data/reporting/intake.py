"""What came in: counted before any operator saw it, so that a report can show before beside after."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.ledger import source_of
from oreline.data.reporting.spoken import ROWS
from oreline.data.reporting.summary import Tally
from oreline.store import write_json

_MAX_CLASSES = 1000
"""With more labels than this no table by class is made, and nothing is remembered for one."""
_NUMBER = r":(\d+)$"
_TALLY = "tally.json"
_SAMPLE = "sample.parquet"


class Intake:
    """Counts rows on their way in, and remembers the class of each: 8 bytes a row."""

    def __init__(self) -> None:
        self.tally = Tally(sampled=ROWS)
        self._codes: dict[str, int] = {}
        self._rows: dict[str, list[tuple[NDArray[np.uint32], NDArray[np.int32]]]] = {}

    def add(self, frame: pl.DataFrame) -> None:
        """Count the rows of a frame whose columns are named by role."""
        if not frame.height:
            return
        self.tally.add("in", frame)
        if "label" not in frame.columns or len(self._codes) > _MAX_CLASSES:
            return
        labels = pl.col("label").cast(pl.String)
        placed = frame.select(source_of().alias("source"), number=_row_number(), label=labels).drop_nulls("number")
        for (source,), part in placed.group_by("source", maintain_order=True):
            self._remember(str(source), part["number"], part["label"])

    def _remember(self, source: str, numbers: pl.Series, labels: pl.Series) -> None:
        for label in labels.drop_nulls().unique(maintain_order=True).to_list():
            self._codes.setdefault(label, len(self._codes))
        codes = labels.replace_strict(self._codes, default=-1, return_dtype=pl.Int32)
        self._rows.setdefault(source, []).append((numbers.to_numpy(), codes.to_numpy()))

    def write(self, folder: Path) -> None:
        """Write what was counted below a folder."""
        folder.mkdir()
        write_json(folder / _TALLY, self.tally.to_json())
        self.tally.sample.write(folder / _SAMPLE)
        names = list(self._codes)
        for number, (source, parts) in enumerate(self._rows.items()):
            numbers, codes = (np.concatenate(arrays) for arrays in zip(*parts))
            labels = [names[code] if code >= 0 else None for code in codes.tolist()]
            rows = pl.DataFrame({"number": numbers, "label": pl.Series(labels, dtype=pl.String)})
            rows.with_columns(source=pl.lit(source)).write_parquet(folder / f"{number:05d}.parquet")

    def read(self, folder: Path) -> None:
        """Take in what another one wrote."""
        self.tally.take(json.loads((folder / _TALLY).read_text("utf-8")))
        self.tally.sample.read(folder / _SAMPLE)
        for file in sorted(folder.glob("[0-9]*.parquet")):
            rows = pl.read_parquet(file)
            self._remember(rows["source"][0], rows["number"], rows["label"])

    @property
    def classes(self) -> list[str]:
        """All labels that rows came in with, as `class_counts` orders them; none where there are too many."""
        return list(self._codes) if len(self._codes) <= _MAX_CLASSES else []

    def class_counts(self, entries: pl.DataFrame) -> dict[str, NDArray[np.int64]]:
        """Return how many rows of each class are named in ledger lines, by operator.

        Args:
            entries: `row_id` and `operator`.
        """
        found: dict[str, NDArray[np.int64]] = {}
        if not self.classes:
            return found
        placed = entries.select("operator", source_of().alias("source"), number=_row_number())
        for (source, operator), part in placed.drop_nulls().group_by("source", "operator", maintain_order=True):
            codes = self._of_source(str(source))
            numbers = part["number"].to_numpy()
            known = codes[numbers[numbers < len(codes)]]
            counts = np.bincount(known[known >= 0], minlength=len(self._codes))
            found[str(operator)] = found.get(str(operator), np.zeros(len(self._codes), np.int64)) + counts
        return found

    def _of_source(self, source: str) -> NDArray[np.int32]:
        """Return the code of each row of a source by its number, -1 where it has none."""
        parts = self._rows.get(source, [])
        highest = max((int(numbers.max()) for numbers, _ in parts if len(numbers)), default=0)
        codes = np.full(highest + 1, -1, np.int32)
        for numbers, own in parts:
            codes[numbers] = own
        self._rows[source] = [(np.arange(len(codes), dtype=np.uint32), codes)] if parts else []
        return codes


def _row_number() -> pl.Expr:
    return pl.col("row_id").str.extract(_NUMBER).cast(pl.UInt32, strict=False)
