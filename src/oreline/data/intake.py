"""What came in: counted before any operator saw it, so that a report can show before beside after."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.ledger import source_of
from oreline.data.summary import Tally

_MAX_CLASSES = 1000
"""With more labels than this no table by class is made, and nothing is remembered for one."""
_NUMBER = r":(\d+)$"


class Intake:
    """Counts rows on their way in, and remembers the class of each: 8 bytes a row."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._codes: dict[str, int] = {}
        self._rows: dict[str, list[tuple[NDArray[np.uint32], NDArray[np.int32]]]] = {}

    def add(self, frame: pl.DataFrame) -> None:
        """Count the rows of a frame whose columns are named by role."""
        if not frame.height:
            return
        self.tally.add("in", frame)
        if "label" not in frame.columns or len(self._codes) > _MAX_CLASSES:
            return
        labels = frame["label"].cast(pl.String)
        for label in labels.drop_nulls().unique(maintain_order=True).to_list():
            self._codes.setdefault(label, len(self._codes))
        codes = labels.replace_strict(self._codes, default=-1, return_dtype=pl.Int32)
        placed = frame.select(source_of().alias("source"), number=_row_number()).with_columns(code=codes)
        for (source,), part in placed.group_by("source", maintain_order=True):
            self._rows.setdefault(str(source), []).append((part["number"].to_numpy(), part["code"].to_numpy()))

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
