"""Signatures that a run has worked out, for whoever asks for those of the same texts again.

The split and the leak report ask what `dedup_exact` and `dedup_near` asked before. A row whose texts an operator has
changed meanwhile is not found: what is remembered goes by the texts themselves.

Shape suffixes: N rows.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
import pyarrow.parquet
from numpy.typing import NDArray

from oreline.data.columnar import Closing
from oreline.data.duplicates.equal import inputs_of
from oreline.data.fold import fingerprints
from oreline.data.running.steps import Step

U64 = NDArray[np.uint64]
_ROW_BYTES = 20
"""What is held in memory of a row: its fingerprint, and where its signature is."""


class Signed:
    """What was remembered, by the name of an operator without options.

    Args:
        max_bytes: held in memory at most; beyond that no more rows are remembered. Signatures lie in files.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._left = max_bytes // _ROW_BYTES
        self._known: dict[str, list[_Known]] = {}

    def remember(self, step: Step, prints_N2: U64, file: Path) -> None:
        """Take in the signatures of some rows; the file may be removed afterwards.

        Args:
            step: whose they are; those of an operator with options are of no use to others.
            prints_N2: `fingerprints` of the rows, in order.
            file: a Parquet file with the signatures, in the same order.
        """
        made, columns = step.made_of, getattr(step.operator, "by_text", None)
        if columns and made and not made["options"] and 0 < len(prints_N2) <= self._left:
            self._left -= len(prints_N2)
            self._known.setdefault(made["plug"], []).append(_Known(prints_N2, file, columns))

    def find(self, plug: str, frame: pl.DataFrame) -> tuple[NDArray[np.bool_], pl.DataFrame | None]:
        """Return which rows of a frame are remembered, shape (N,), and the signatures of these, in order."""
        is_known_N = np.zeros(frame.height, np.bool_)
        inputs = inputs_of(frame.columns)
        if not inputs or plug not in self._known:
            return is_known_N, None
        prints_N2 = fingerprints(frame, inputs)
        parts, places = [], []
        for known in self._known[plug]:
            row_N = known.rows(prints_N2)
            new_N = (row_N >= 0) & ~is_known_N
            if new_N.any():
                parts.append(known.signatures(row_N[new_N]))
                places.append(np.flatnonzero(new_N))
                is_known_N |= new_N
        if not parts:
            return is_known_N, None
        order = np.argsort(np.concatenate(places), kind="stable")
        return is_known_N, parts[0] if len(parts) == 1 else pl.concat(parts).select(pl.all().gather(order))


class _Known:
    """Signatures of some rows, found by fingerprints."""

    def __init__(self, prints_N2: U64, file: Path, columns: Sequence[str]) -> None:
        self._row_N = np.argsort(prints_N2[:, 0], kind="stable").astype(np.uint32)
        self._high_N, self._low_N = prints_N2[self._row_N, 0], prints_N2[self._row_N, 1]
        self._columns = list(columns)
        # An open file stays readable when its name is gone.
        stream = file.open("rb")
        weakref.finalize(self, stream.close)
        self._parquet = pyarrow.parquet.ParquetFile(stream)
        groups = range(self._parquet.num_row_groups)
        self._starts = np.cumsum([0, *(self._parquet.metadata.row_group(group).num_rows for group in groups)])

    def rows(self, prints_N2: U64) -> NDArray[np.int64]:
        """Return the number of the row with each fingerprint, -1 where there is none."""
        place_N = np.minimum(np.searchsorted(self._high_N, prints_N2[:, 0]), len(self._high_N) - 1)
        is_there_N = (self._high_N[place_N] == prints_N2[:, 0]) & (self._low_N[place_N] == prints_N2[:, 1])
        return np.where(is_there_N, self._row_N[place_N].astype(np.int64), -1)

    def signatures(self, rows: NDArray[np.int64]) -> pl.DataFrame:
        """Return the signatures of some rows, in order.

        One row group is held at a time: rows of a small split lie apart, so that a frame of them reaches into many.
        """
        group_N = np.searchsorted(self._starts, rows, side="right") - 1
        order_N = np.argsort(group_N, kind="stable")
        parts = []
        for group in np.unique(group_N).tolist():
            read = self._parquet.read_row_group(group, columns=self._columns, use_threads=False)
            places = rows[group_N == group] - self._starts[group]
            parts.append(pl.DataFrame(read).select(pl.all().gather(places)))
        return pl.concat(parts).select(pl.all().gather(np.argsort(order_N)))


class Prints(Closing):
    """A file of fingerprints that are written as they come, an array of shape (N, 2) as `numpy.load` reads it."""

    def __init__(self, file: Path) -> None:
        self._num_rows = 0
        self._stream: BinaryIO = file.open("wb")
        self._header()

    def append(self, prints_N2: U64) -> None:
        """Write the fingerprints of some rows."""
        self._stream.write(np.ascontiguousarray(prints_N2, "<u8").tobytes())
        self._num_rows += len(prints_N2)

    def close(self) -> None:
        """Say at the beginning how many rows they are; numpy leaves room there for any number of them."""
        try:
            self._stream.seek(0)
            self._header()
        finally:
            self._stream.close()

    def abandon(self) -> None:
        """Close without an error, even where the disk is full."""
        with contextlib.suppress(OSError):
            self._stream.close()

    def _header(self) -> None:
        told = {"descr": "<u8", "fortran_order": False, "shape": (self._num_rows, 2)}
        np.lib.format.write_array_header_1_0(self._stream, told)


def watched(frames: Iterable[pl.DataFrame], take: Callable[[U64], None]) -> Iterator[pl.DataFrame]:
    """Yield frames, and hand on the fingerprints of their rows."""
    for frame in frames:
        inputs = inputs_of(frame.columns)
        take(fingerprints(frame, inputs) if inputs else np.zeros((frame.height, 2), np.uint64))
        yield frame
