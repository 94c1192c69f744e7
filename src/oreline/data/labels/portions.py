"""Rows whose labels are judged together: all of them, or as many as fit into memory.

Copies of a text and rows of a group are drawn into one portion. A class is spread over no more portions than give it a
hundred rows in each, so that a rare one is judged where all of it is, and fewer classes meet in a portion where there
are many. Where n-grams are counted, texts are cut to what is counted of them: long documents would fill portions with
few rows each, and rows that begin alike are the same to the judges.

Shape suffixes: N rows, K classes, P places.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import numpy as np
import polars as pl
import pyarrow as pa

from oreline.data.columnar import frames_of
from oreline.data.duplicates.equal import EqualRows
from oreline.data.duplicates.union import Joined
from oreline.data.external.runs import counted
from oreline.data.external.sorting import I64, U64, Sorted, decoded
from oreline.data.external.table import Table
from oreline.data.external.temporary import opened_for, refusals
from oreline.data.fold import wide_hashes
from oreline.data.labels.features import MAX_CHARACTERS
from oreline.errors import DataError

PORTION_BYTES = 600 << 20
"""What the rows of a portion take while they are judged, by their characters, `_row_bytes` and `_class_bytes`.

Beside it some 250 MB for 60,000 n-grams, however few rows there are."""
LEAST_ROWS = 100
"""Of a class in each portion that it is spread over; a class with fewer is in one."""
_MAX_BYTES = 64 << 20
_MOST_CLASSES = 20_000
_LARGE = 8
"""Copies or a group that are more than this part of a portion are divided, or portions would not be alike in size."""
_MOST_PORTIONS = 1 << 16
_CHUNK = 2048
_FILES = 64
"""Portions that are written in one pass over the rows."""
_MIXED = 0x9E3779B97F4A7C15


class Portions:
    """The rows that have a label, in portions that are judged one by one.

    Memory: one portion, a bit a row and 64 MB; 16 bytes for each class that has rows enough.

    Args:
        scan: all rows.
        inputs: the columns with their texts.
        folds: classes with fewer rows are not judged.
        width: numbers of an encoder's vector; 0 where n-grams are counted.

    Raises `DataError` for more than 20,000 classes that have rows enough.
    """

    def __init__(self, scan: pl.LazyFrame, inputs: Sequence[str], *, folds: int, width: int) -> None:
        self._inputs = list(inputs)
        self._rows = scan.filter(pl.col("label").is_not_null())
        if not width:
            self._rows = self._rows.with_columns(pl.col(self._inputs).str.head(MAX_CHARACTERS))
        self.num_rows, num_bytes, marks = 0, 0, Sorted(max_bytes=_MAX_BYTES // 4)
        for frame in frames_of(self._rows.select(*self._inputs, "label"), _CHUNK):
            self.num_rows += frame.height
            num_bytes += _num_characters(frame, self._inputs) * (_CHARACTER_BYTES + (0 if width else _NGRAM_BYTES))
            marks.append(_marks(frame["label"]))
        self._marks_K, self._rows_K = _common(marks, folds)
        is_judged = len(self._marks_K) > 1
        self.number = self._needed(num_bytes + self.num_rows * _row_bytes(width)) if is_judged else 0
        """How many portions there are; none where fewer than two classes have rows enough."""

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield each portion: its rows in the order of the scan, with `row_id`, texts, `label` and `group`."""
        if not self.number:
            return
        names = self._rows.collect_schema().names()
        rows = self._rows.select("row_id", *self._inputs, "label", *(["group"] if "group" in names else []))
        if self.number == 1:
            yield pl.DataFrame(pa.concat_tables(map(_arrow, frames_of(rows, _CHUNK))))
            return
        drawn = self._drawn(rows)
        for first in range(0, self.number, _FILES):
            with ExitStack() as stack:
                files = [stack.enter_context(_File()) for _ in range(first, min(first + _FILES, self.number))]
                begin = 0
                for frame in frames_of(rows, _CHUNK):
                    portion_P = drawn.take(np.arange(begin, begin + frame.height)).astype(np.int64) - first
                    begin += frame.height
                    for portion in np.unique(portion_P[(portion_P >= 0) & (portion_P < len(files))]).tolist():
                        files[portion].append(frame.filter(pl.Series(portion_P == portion)))
                for file in files:
                    if (portion_rows := file.taken()) is not None:
                        yield portion_rows

    def _needed(self, num_bytes: int) -> int:
        """Return the least number of portions of which none takes more than `PORTION_BYTES`, about."""
        number = max(1, -(-num_bytes // PORTION_BYTES))
        while number < _MOST_PORTIONS:
            num_classes = int(np.ceil(self._spread(number).sum() / number))
            if num_bytes / number + _class_bytes(self.num_rows / number, num_classes) <= PORTION_BYTES:
                break
            number += max(1, number // 16)
        return min(number, _MOST_PORTIONS, max(1, self.num_rows))

    def _spread(self, number: int) -> I64:
        """Return over how many of the portions each class is spread, (K,)."""
        spread_K: I64 = np.clip(self._rows_K // LEAST_ROWS, 1, number)
        return spread_K

    def _drawn(self, rows: pl.LazyFrame) -> Table:
        """Return the portion of every row."""
        drawn = Table(self.num_rows, np.uint16, max_bytes=_MAX_BYTES // 4)
        texts, groups = (EqualRows(1, max_bytes=_MAX_BYTES // 4) for _ in range(2))
        spread_K = self._spread(self.number)
        begin = 0
        for frame in frames_of(rows, _CHUNK):
            hashes_P = wide_hashes(frame, self._inputs)["hash_high"].to_numpy()
            texts.add(hashes_P)
            if "group" in frame.columns:
                groups.add(frame["group"].hash().to_numpy(), is_alone_N=frame["group"].is_null().to_numpy())
            portion_P = self._portions_of(_marks(frame["label"]), hashes_P, spread_K)
            drawn.put(np.arange(begin, begin + frame.height), portion_P.astype(np.uint16))
            begin += frame.height
        joined = Joined(self.num_rows, max_bytes=_MAX_BYTES // 4)
        joined.connect(texts.groups())
        if groups.num_rows:
            joined.connect(groups.groups())
        self._put_together(joined, drawn)
        return drawn

    def _portions_of(self, marks_P: U64, hashes_P: U64, spread_K: I64) -> I64:
        """Return the portions of rows that belong together with no other, by their texts."""
        class_P = np.minimum(np.searchsorted(self._marks_K, marks_P), len(self._marks_K) - 1)
        number, spread_P = np.uint64(self.number), spread_K[class_P].astype(np.uint64)
        portion_P = (marks_P % number + (hashes_P >> np.uint64(32)) % spread_P) % number
        return portion_P.astype(np.int64)

    def _put_together(self, joined: Joined, drawn: Table) -> None:
        """Draw rows that belong together into the portion of the first of them, unless they are very many."""
        most = self.num_rows // self.number // _LARGE
        codes = joined.rows()
        sizes = counted(block >> np.uint64(32) for block in codes.blocks())
        large = np.concatenate([np.zeros(0, np.uint64), *(roots[rows > most] for roots, rows in sizes)])
        for block in codes.blocks():
            root_P, row_P = decoded(block)
            is_large_P = np.isin(root_P.astype(np.uint64), large)
            mixed_P = (row_P.astype(np.uint64) * _MIXED >> np.uint64(32)) % np.uint64(self.number)
            drawn.put(row_P, np.where(is_large_P, mixed_P, drawn.take(root_P)).astype(np.uint16))


class _File:
    """Rows of one portion, in a temporary file without a name."""

    def __init__(self) -> None:
        self._stream = opened_for(self)
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def append(self, frame: pl.DataFrame) -> None:
        """Add rows. Raises `ResourceError` for a full disk."""
        table = _arrow(frame)
        with refusals():
            if self._writer is None:
                self._writer = pa.ipc.new_stream(self._stream, table.schema)
            self._writer.write_table(table)

    def taken(self) -> pl.DataFrame | None:
        """Return the rows, None where there are none; the file is empty then."""
        if self._writer is None:
            return None
        with refusals():
            self._writer.close()
            self._stream.seek(0)
            found = pl.DataFrame(pa.ipc.open_stream(self._stream).read_all())
            self._stream.truncate(0)
        return found


def _arrow(frame: pl.DataFrame) -> pa.Table:
    """Return rows with copies of their texts: Polars' own beginning of a text holds all of it."""
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def _common(marks: Sorted, folds: int) -> tuple[U64, I64]:
    """Return the marks of the classes that have rows enough, rising, and how many rows each has, (K,) both."""
    marks_K, rows_K = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    for some, rows in counted(marks.blocks()):
        marks_K.append(some[rows >= folds])
        rows_K.append(rows[rows >= folds])
        if sum(map(len, marks_K)) > _MOST_CLASSES:
            raise DataError(
                f"more than {_MOST_CLASSES:,} classes are too many to judge labels",
                allowed=f"up to {_MOST_CLASSES:,} classes of {folds} rows and more",
                remedy="leave the operator out where labels are ids or free texts",
            )
    return np.concatenate(marks_K), np.concatenate(rows_K)


def _marks(labels: pl.Series) -> U64:
    """Return 8 bytes of BLAKE2b for each label, the same on every machine."""
    different = labels.unique()
    digests = b"".join(hashlib.blake2b(label.encode(), digest_size=8).digest() for label in different)
    marks = pl.Series(np.frombuffer(digests, "<u8").astype(np.uint64))
    return labels.replace_strict(different, marks, return_dtype=pl.UInt64).to_numpy()


def _num_characters(frame: pl.DataFrame, inputs: Sequence[str]) -> int:
    """Return how many characters the texts of rows have."""
    counts = frame.select(pl.col(inputs).str.len_chars().sum().cast(pl.Int64))
    return sum(counts.row(0)) if inputs else 0


def _row_bytes(width: int) -> int:
    """Return what a row takes beside its text: its vector some times over, and what is asked of all others at once."""
    return _ROW_BYTES + _VECTOR_TIMES * 4 * (width or 256)


def _class_bytes(num_rows: float, num_classes: int) -> float:
    """Return what the probabilities of a portion take, and the matrices of class by class."""
    return _CELL_BYTES * num_rows * num_classes + _PAIR_BYTES * num_classes**2


_CHARACTER_BYTES, _NGRAM_BYTES, _ROW_BYTES, _VECTOR_TIMES, _CELL_BYTES, _PAIR_BYTES = 8, 16, 1500, 2, 16, 40
"""Of a character: a text is held three times, and the n-grams that begin there."""
