"""Rows of equal text, by hashes of 16 bytes, and rows of equal keys of any kind.

Shape suffixes: N rows, P places, W numbers in a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.columnar import frames_of
from oreline.data.duplicates.tokens import I64
from oreline.data.external.sorting import Sorted, coded, decoded
from oreline.data.external.spool import Spool
from oreline.data.external.table import Bits
from oreline.data.fold import INPUT_ROLES, wide_hashes

KEY = ("hash_high", "hash_low")
"""Columns that are equal where texts are the same after folding."""
TARGET = "target"
SPOOL_BYTES = 256 << 20
_CHUNK = 4096
_HALF = 32


def marks(frame: pl.DataFrame, targets: Sequence[str] = ()) -> pl.DataFrame:
    """Return a hash of the folded texts of each row as `KEY`, and one of its targets together as `target`.

    Args:
        frame: rows; the texts of rows without a text column are all alike.
        targets: columns, of which a null is a value of its own.

    >>> found = marks(pl.DataFrame({"text": ["Good", "good "], "label": ["a", "b"]}), ["label"])
    >>> found["hash_high"].n_unique(), found["target"].n_unique()
    (1, 2)
    """
    nothing = pl.Series(np.zeros(frame.height, np.uint64))
    inputs = inputs_of(frame.columns)
    hashes = wide_hashes(frame, inputs) if inputs else pl.DataFrame(dict.fromkeys(KEY, nothing))
    target = frame.select(pl.struct(targets).hash()).to_series() if targets else nothing
    return hashes.with_columns(target.alias(TARGET))


def marks_of(scan: pl.LazyFrame, targets: Sequence[str] = ()) -> Iterator[pl.DataFrame]:
    """Yield the marks of all rows, some thousands at a time; the texts are never held together."""
    columns = [*inputs_of(scan.collect_schema().names()), *targets]
    for batch in frames_of(scan.select(columns), _CHUNK):
        yield marks(batch, targets)


class EqualRows:
    """Finds the rows whose keys are the same.

    Rows are sorted by 32 bits of their key; whole keys are looked up where these agree.

    Args:
        width: numbers of 64 bits in a key, 1 or 2.
        max_bytes: held in memory, about; the rest lies on disk.

    >>> rows = EqualRows(1, max_bytes=0)
    >>> rows.add(np.array([7, 5, 7], np.uint64))
    >>> [decoded(block) for block in rows.groups().blocks()]
    [(array([0, 0]), array([0, 2]))]
    """

    def __init__(self, width: int, *, max_bytes: int) -> None:
        self._width, self._max_bytes = width, max_bytes
        self._keys = Spool(np.uint64, width=width, max_bytes=max_bytes // 2)
        self._codes = Sorted(max_bytes=max_bytes // 4)
        self.num_rows = 0

    def add(self, keys_NW: NDArray[np.uint64], *, is_alone_N: NDArray[np.bool_] | None = None) -> None:
        """Add rows by their keys, shape (N, W) or (N,); those that are alone are equal to nothing."""
        keys_NW = keys_NW.reshape(-1, self._width)
        codes = coded(keys_NW[:, 0] >> _HALF, np.arange(self.num_rows, self.num_rows + len(keys_NW)))
        self._keys.append(keys_NW)
        self._codes.append(codes if is_alone_N is None else codes[~is_alone_N])
        self.num_rows += len(keys_NW)

    def first_numbers(self, rows_P: I64) -> NDArray[np.uint64]:
        """Return the first number of the keys of some rows, shape (P,)."""
        numbers_P: NDArray[np.uint64] = self._keys.at(rows_P)[:, 0]
        return numbers_P

    def groups(self) -> Sorted:
        """Return the rows whose key occurs again, each as `coded(first row of that key, row)`, the first itself too."""
        found = Sorted(max_bytes=self._max_bytes // 4)
        # Of the keys that share the last 32 bits of a block the first rows go with the next: their groups may go on.
        begun, is_given = np.zeros(0, np.uint64), np.zeros(0, np.bool_)
        for block in self._codes.blocks():
            codes = np.concatenate([begun, block])
            first, row = self._equal(codes)
            given = decoded(begun[is_given])[1]
            found.append(coded(first, row)[~np.isin(row, given)])
            lasts = codes[codes >> _HALF == codes[-1] >> _HALF]
            begun = lasts[~np.isin(decoded(lasts)[1], row[row != first])]
            is_given = np.isin(decoded(begun)[1], np.concatenate([first, given]))
        return found

    def _equal(self, codes: NDArray[np.uint64]) -> tuple[I64, I64]:
        """Return the rows whose key is not the only one of its kind, and the first row of each one's key."""
        is_same = codes[1:] >> _HALF == codes[:-1] >> _HALF
        row = decoded(codes[np.append(is_same, False) | np.insert(is_same, 0, False)])[1]
        keys = self._keys.at(row)
        order = np.lexsort((row, *keys.T))
        row, keys = row[order], keys[order]
        is_new = np.ones(len(row), np.bool_)
        is_new[1:] = (keys[1:] != keys[:-1]).any(axis=1)
        number = np.cumsum(is_new) - 1
        is_group = np.bincount(number, minlength=1)[number] > 1
        return row[is_new][number[is_group]], row[is_group]


def differing(groups: Sorted, numbers: Spool) -> Bits:
    """Return the first rows of the groups whose rows have different numbers.

    Args:
        groups: what `EqualRows.groups` returned.
        numbers: of each row.
    """
    found = Bits(len(numbers))
    for block in groups.blocks():
        first_P, row_P = decoded(block)
        found.set(first_P[numbers.at(first_P) != numbers.at(row_P)])
    return found


def inputs_of(columns: Sequence[str]) -> list[str]:
    """Return the columns whose texts say whether two rows are the same."""
    return [role for role in INPUT_ROLES if role in columns]
