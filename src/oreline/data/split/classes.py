"""The classes that rows are stratified by: their labels, or tenths of their numbers.

Shape suffixes: N rows, K classes, T tenths, P places.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from oreline.data.columnar import compact
from oreline.data.external.ranks import at_places, num_before, rising
from oreline.data.external.sorting import I64, U64, Sorted
from oreline.data.external.spool import BLOCK, Spool

MOST_LABELS, _MOST_BYTES = 1 << 18, 32 << 20
"""Different labels that are classes of their own, at most, and what they take."""
_LEAST_BYTES = 1 << 20
_VIEW_BYTES = 16
"""Of a text, beside its letters."""
_TENTHS = 10


class Classes:
    """The class of every row, as numbers from 0.

    >>> classes = Classes(3, max_bytes=0)
    >>> classes.append(np.array([2, 0, 2]))
    >>> classes.at(np.array([1, 0])).tolist(), classes.rows_K.tolist()
    ([0, 2], [1, 0, 2])
    """

    def __init__(self, num_classes: int, *, max_bytes: int) -> None:
        self._codes = Spool(np.min_scalar_type(max(num_classes - 1, 0)), max_bytes=max_bytes)
        self.rows_K = np.zeros(num_classes, np.int64)
        """Rows of each class."""

    def append(self, codes_P: I64) -> None:
        """Add rows."""
        self._codes.append(codes_P)
        self.rows_K += np.bincount(codes_P, minlength=len(self.rows_K))

    def at(self, rows_P: I64) -> I64:
        """Return the classes of some rows."""
        return self._codes.at(rows_P).astype(np.int64)

    def blocks(self) -> Iterator[I64]:
        """Yield the classes of all rows, some at a time."""
        for block in self._codes.blocks():
            yield block.astype(np.int64)


class Strata:
    """Takes the labels of rows, of which none is null, and says what they are stratified by.

    That is their label, where most rows share theirs with some others. Numbers and combinations of labels are mostly
    labels of their own, and a class with fewer rows than there are splits has no shares: numbers are then stratified by
    tenths of their ranks, others not at all; so are rows of more than `MOST_LABELS` labels.

    Args:
        max_bytes: held in memory, about, beside different labels; the rest lies on disk.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._share = max_bytes // 4
        self._labels = _Different()
        self._marks = Spool(np.uint64, max_bytes=self._share)
        self._numbers: Spool | None = Spool(np.uint64, max_bytes=self._share)

    def add(self, labels: pl.Series) -> None:
        """Add the labels of a frame."""
        self._labels.add(labels)
        self._marks.append(_marks(labels))
        if self._numbers is not None:
            numbers = labels.cast(pl.Float64, strict=False)
            if numbers.is_finite().fill_null(False).all():
                self._numbers.append(rising(numbers.to_numpy()))
            else:
                self._numbers = None

    def classes(self, num_splits: int) -> Classes:
        """Return the classes of all rows."""
        labels = self._labels.in_order()
        if labels is not None:
            found = self._by_label(labels)
            rows_in_large = int(found.rows_K[found.rows_K >= num_splits].sum())
            if 2 * rows_in_large >= len(self._marks):
                return found
        if self._numbers is not None:
            return _tenths(self._numbers, max_bytes=self._share)
        return one_class(len(self._marks), max_bytes=self._share)

    def _by_label(self, labels: pl.Series) -> Classes:
        marks_K = _marks(labels)
        order_K = np.argsort(marks_K)
        marks_K = marks_K[order_K]
        found = Classes(max(len(labels), 1), max_bytes=self._share)
        for block in self._marks.blocks():
            found.append(order_K[np.searchsorted(marks_K, block)])
        return found


def one_class(num_rows: int, *, max_bytes: int) -> Classes:
    """Return the classes of rows that are all of one."""
    found = Classes(1, max_bytes=max_bytes)
    for start in range(0, num_rows, BLOCK):
        found.append(np.zeros(min(BLOCK, num_rows - start), np.int64))
    return found


def _tenths(numbers: Spool, *, max_bytes: int) -> Classes:
    """Return which tenth of the ranks each number is in; of equal ones the earlier row has the lower rank."""
    count = len(numbers)
    in_order = Sorted(max_bytes=max_bytes)
    for block in numbers.blocks():
        in_order.append(block)
    starts_T = -(-np.arange(1, _TENTHS) * count // _TENTHS)
    starts_T = starts_T[starts_T < count]
    first_T = at_places(in_order.blocks(), starts_T)
    rank_T = num_before(in_order.blocks(), first_T, "left")  # of the next row whose number is that of a tenth's first
    found = Classes((count - 1) * _TENTHS // count + 1, max_bytes=max_bytes)
    for block in numbers.blocks():
        tenth_P = np.searchsorted(first_T, block, side="left")
        for tenth, (first, start) in enumerate(zip(first_T, starts_T)):
            is_first_P = block == first
            tenth_P += is_first_P & (rank_T[tenth] + np.cumsum(is_first_P) > start)
            rank_T[tenth] += is_first_P.sum()
        found.append(tenth_P)
    return found


class _Different:
    """The different labels, as long as they are not too many."""

    def __init__(self) -> None:
        self._known: pl.Series | None = None
        self._waiting: list[pl.Series] = []
        self._bytes_waiting = 0
        self._are_too_many = False

    def add(self, labels: pl.Series) -> None:
        if self._are_too_many:
            return
        self._waiting.append(_different(labels))
        self._bytes_waiting += _num_bytes(self._waiting[-1])
        if self._bytes_waiting > max(_LEAST_BYTES, 0 if self._known is None else _num_bytes(self._known)):
            self._join()

    def in_order(self) -> pl.Series | None:
        """Return them sorted; None where they are too many."""
        if self._waiting:
            self._join()
        return None if self._known is None else self._known.sort()

    def _join(self) -> None:
        known = _different(pl.concat([*([] if self._known is None else [self._known]), *self._waiting]))
        self._are_too_many = len(known) > MOST_LABELS or _num_bytes(known) > _MOST_BYTES
        self._known = None if self._are_too_many else known
        self._waiting, self._bytes_waiting = [], 0


def _different(labels: pl.Series) -> pl.Series:
    return compact(labels.unique().to_frame()).to_series()


def _num_bytes(labels: pl.Series) -> int:
    return int(labels.estimated_size()) + _VIEW_BYTES * len(labels)


def _marks(labels: pl.Series) -> U64:
    """Return numbers of 64 bits by which labels are told apart, of use in this process only."""
    return labels.hash().to_numpy()
