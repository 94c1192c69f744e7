"""What came in: counted before any operator saw it, so that a report can show before beside after.

Shape suffixes: R rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.external.spool import Spool
from oreline.data.ledger import source_of
from oreline.data.reporting.spoken import ROWS
from oreline.data.reporting.summary import Tally
from oreline.store import translating, write_json

_MAX_CLASSES = 1000
"""With more labels than this no table by class is made, and nothing is remembered for one."""
_MAX_BYTES = 16 << 20
"""Of the classes of rows that are held in memory; beyond that they lie on disk."""
_MAX_HOLE = 1 << 16
"""Rows of a source that are missing in between, and still stand as rows without a class."""
_MAX_RUNS = 1 << 16
"""With more runs of rows than this (each document is one) no table by class is made, either."""
_BLOCK = 1 << 18
_NUMBER = r":(\d+)$"
_TALLY = "tally.json"
_SAMPLE = "sample.parquet"
_LABELS, _RUNS, _CODES = "labels.json", "runs.parquet", "codes.bin"

U16 = NDArray[np.uint16]
I64 = NDArray[np.int64]


class Intake:
    """Counts rows on their way in, and remembers the class of each: 2 bytes a row, beyond a bound on disk."""

    def __init__(self) -> None:
        self.tally = Tally(sampled=ROWS)
        self._labels: dict[str, int] | None = {}
        """From 1, in the order in which they came; None where they are too many."""
        self._rows = _Rows()

    def add(self, frame: pl.DataFrame) -> None:
        """Count the rows of a frame whose columns are named by role."""
        if not frame.height:
            return
        self.tally.add("in", frame)
        if "label" not in frame.columns or self._labels is None:
            return
        labels = pl.col("label").cast(pl.String)
        placed = frame.select(source_of().alias("source"), number=_row_number(), label=labels).drop_nulls("number")
        codes = self._coded(placed["label"])
        if codes is not None:
            placed = placed.select("source", "number", code=pl.Series(codes))
            for (source,), part in placed.group_by("source", maintain_order=True):
                self._remember(str(source), part["number"].cast(pl.Int64).to_numpy(), part["code"].to_numpy())

    def write(self, folder: Path) -> None:
        """Write what was counted below a folder."""
        folder.mkdir()
        write_json(folder / _TALLY, self.tally.to_json())
        self.tally.sample.write(folder / _SAMPLE)
        write_json(folder / _LABELS, None if self._labels is None else list(self._labels))
        self._rows.write(folder)

    def read(self, folder: Path) -> None:
        """Take in what another one wrote."""
        self.tally.take(json.loads((folder / _TALLY).read_text("utf-8")))
        self.tally.sample.read(folder / _SAMPLE)
        labels = json.loads((folder / _LABELS).read_text("utf-8"))
        if labels is None:
            self._forget()
        codes = self._coded(pl.Series([None, *(labels or [])], dtype=pl.String))
        if codes is not None:
            for source, number_R, code_R in read_rows(folder):
                self._remember(source, number_R, codes[code_R])

    @property
    def classes(self) -> list[str]:
        """All labels that rows came in with, as `class_counts` orders them; none where there are too many."""
        return list(self._labels or ())

    def class_counts(self, entries: pl.DataFrame) -> dict[str, I64]:
        """Return how many rows of each class are named in ledger lines, by operator.

        Args:
            entries: `row_id` and `operator`.
        """
        found: dict[str, I64] = {}
        if not self._labels:
            return found
        num_classes = len(self._labels)
        placed = entries.select("operator", source_of().alias("source"), number=_row_number().cast(pl.Int64))
        for (source, operator), part in placed.drop_nulls().group_by("source", "operator", maintain_order=True):
            code_R = self._rows.at(str(source), part["number"].to_numpy())
            counts = np.bincount(code_R, minlength=num_classes + 1)[1:]
            found[str(operator)] = found.get(str(operator), np.zeros(num_classes, np.int64)) + counts
        return found

    def _remember(self, source: str, number_R: I64, code_R: U16) -> None:
        """Note the classes of some rows of a source, unless these lie in too many places."""
        if self._labels is not None:
            self._rows.append(source, number_R, code_R)
            if self._rows.num_runs > _MAX_RUNS:
                self._forget()

    def _coded(self, labels: pl.Series) -> U16 | None:
        """Return a number for each label, 0 where there is none; None where there are too many labels."""
        if self._labels is None:
            return None
        for label in labels.drop_nulls().unique(maintain_order=True).to_list():
            self._labels.setdefault(label, len(self._labels) + 1)
        if len(self._labels) > _MAX_CLASSES:
            self._forget()
            return None
        codes = labels.replace_strict(self._labels, default=0, return_dtype=pl.UInt16)
        return codes.to_numpy()

    def _forget(self) -> None:
        self._labels, self._rows = None, _Rows()


class _Rows:
    """The class of each row by its source and number, in runs of neighbouring rows."""

    def __init__(self) -> None:
        self._codes = Spool(np.uint16, max_bytes=_MAX_BYTES)
        self._num_codes = self.num_runs = 0
        self._runs: dict[str, list[tuple[int, int, int]]] = {}
        """Of each source: the first row's number, where its code lies, and how many there are."""

    def append(self, source: str, number_R: I64, code_R: U16) -> None:
        """Add rows of a source, in the order of the source."""
        breaks = np.flatnonzero((np.diff(number_R) < 1) | (np.diff(number_R) > _MAX_HOLE)) + 1
        for low, high in zip([0, *breaks.tolist()], [*breaks.tolist(), len(number_R)]):
            if low < high:
                self._extend(source, number_R[low:high], code_R[low:high])

    def _extend(self, source: str, number_R: I64, code_R: U16) -> None:
        """Add rows whose numbers rise without large holes."""
        runs = self._runs.setdefault(source, [])
        begin, end = int(number_R[0]), int(number_R[-1]) + 1
        first, place, count = runs[-1] if runs else (0, -1, 0)
        if place + count == self._num_codes and first + count <= begin <= first + count + _MAX_HOLE:
            runs.pop()
            self.num_runs -= 1
            begin = first + count
        else:
            first, place, count = begin, self._num_codes, 0
        filled = np.zeros(end - begin, np.uint16)
        filled[number_R - begin] = code_R
        self._codes.append(filled)
        self._num_codes += len(filled)
        runs.append((first, place, count + len(filled)))
        self.num_runs += 1

    def at(self, source: str, number_R: I64) -> U16:
        """Return the code of each row of a source, 0 where it has none."""
        found_R = np.zeros(len(number_R), np.uint16)
        least, most = (int(number_R.min()), int(number_R.max())) if len(number_R) else (0, -1)
        for first, place, count in self._runs.get(source, ()):
            if first <= most and least < first + count:
                there = np.flatnonzero((number_R >= first) & (number_R < first + count))
                codes = self._codes.at(number_R[there] - first + place)
                found_R[there] = np.where(codes > 0, codes, found_R[there])  # what one run lacks may be in another
        return found_R

    def write(self, folder: Path) -> None:
        """Write all below a folder."""
        runs = [(source, *run) for source, own in self._runs.items() for run in own]
        schema = {"source": pl.String, "first": pl.Int64, "place": pl.Int64, "count": pl.Int64}
        pl.DataFrame(runs, schema=schema, orient="row").write_parquet(folder / _RUNS)
        with translating(folder / _CODES), (folder / _CODES).open("wb") as stream:
            for low in range(0, self._num_codes, _BLOCK):
                stream.write(self._codes.part(low, min(_BLOCK, self._num_codes - low)).astype("<u2").tobytes())


def read_rows(folder: Path) -> Iterator[tuple[str, I64, U16]]:
    """Yield what `_Rows.write` wrote: a source, numbers of rows and their codes, some at a time."""
    with (folder / _CODES).open("rb") as stream:
        for source, first, place, count in pl.read_parquet(folder / _RUNS).iter_rows():
            stream.seek(2 * place)
            for low in range(0, count, _BLOCK):
                code_R = np.frombuffer(stream.read(2 * min(_BLOCK, count - low)), "<u2")
                yield source, np.arange(first + low, first + low + len(code_R)), code_R


def _row_number() -> pl.Expr:
    return pl.col("row_id").str.extract(_NUMBER).cast(pl.UInt32, strict=False)
