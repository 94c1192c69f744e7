"""Units: rows that belong together, in the order in which they are placed.

Shape suffixes: C classes of one unit, P places.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oreline.data.duplicates.equal import EqualRows
from oreline.data.external.runs import counted, reduced, whole
from oreline.data.external.shuffling import Buckets, shuffled
from oreline.data.external.sorting import I64, U64, Sorted, coded, decoded
from oreline.data.external.spool import Spool
from oreline.data.external.table import Table
from oreline.data.split.classes import Classes

_MAGNITUDES = 33
"""Powers of two up to the most rows that there may be."""
_SHARES = 8
_HALF = 32


class Units:
    """Sets of two rows and more, large ones first, in random order among those of like size.

    Memory: up to `max_bytes`, and 8 bytes a unit while they are shuffled, up to 128 MB; the rest lies on disk.

    Args:
        rows: of all units, `coded(first row of the unit, row)`.
        keys: of all rows: units are shuffled in the order of their least keys, of which no two are equal.
        random: drawn from.
        max_bytes: held in memory, about.
    """

    def __init__(self, rows: Sorted, keys: EqualRows, random: np.random.Generator, *, max_bytes: int) -> None:
        self._rows, self._share = rows, max_bytes // _SHARES
        self._magnitudes = Spool(np.uint8, max_bytes=self._share)
        for _, sizes_P in counted(units_P for units_P, _ in self._numbered()):
            # Like size means the same power of two: enough order for close shares, enough chance for fair splits.
            self._magnitudes.append(np.floor(np.log2(sizes_P)))
        self._order = self._drawn(keys, random)

    def __len__(self) -> int:
        return len(self._magnitudes)

    def classes(self, classes: Classes) -> Iterator[list[tuple[I64, I64]]]:
        """Yield some units after others, in order: the classes of each one's rows and how many of each, (C,) both."""
        found = Sorted(max_bytes=self._share)
        for place_P, rows_P in self.rows():
            found.append(coded(place_P, classes.at(rows_P)))
        for codes_P, counts_P in whole(counted(found.blocks())):
            places_P, classes_P = decoded(codes_P)
            starts = np.flatnonzero(np.append(True, places_P[1:] != places_P[:-1]))
            yield list(zip(np.split(classes_P, starts[1:]), np.split(counts_P, starts[1:])))

    def rows(self) -> Iterator[tuple[I64, I64]]:
        """Yield the place of each row's unit in the order, and the row, some rows at a time."""
        for units_P, rows_P in self._numbered():
            yield self._order.take(units_P).astype(np.int64), rows_P

    def _drawn(self, keys: EqualRows, random: np.random.Generator) -> Table:
        """Return the place of each unit in the order."""
        by_size = Buckets(_MAGNITUDES, np.uint32, max_bytes=self._share)
        for units_P in shuffled(self._by_key(keys), len(self), random, max_bytes=self._share):
            places_P = units_P.astype(np.int64)
            by_size.append(places_P, self._magnitudes.at(places_P))
        order, begin = Table(len(self), np.uint32, max_bytes=self._share), 0
        for spool in reversed(by_size.spools):
            for block in spool.blocks():
                order.put(block.astype(np.int64), np.arange(begin, begin + len(block), dtype=np.uint32))
                begin += len(block)
        return order

    def _by_key(self, keys: EqualRows) -> Iterator[U64]:
        """Yield the units in the order of their least keys."""
        least = Spool(np.uint64, max_bytes=self._share)
        in_order = Sorted(max_bytes=self._share)
        of_rows = ((units_P, keys.first_numbers(rows_P)) for units_P, rows_P in self._numbered())
        for units_P, least_P in reduced(of_rows, np.minimum):
            least.append(least_P)
            in_order.append(coded(least_P >> _HALF, units_P))
        # What has the same upper half is in one block, where whole keys decide.
        for codes_P, least_P in whole((codes_P, least.at(decoded(codes_P)[1])) for codes_P in in_order.blocks()):
            yield decoded(codes_P)[1][np.argsort(least_P)].astype(np.uint64)

    def _numbered(self) -> Iterator[tuple[I64, I64]]:
        """Yield the units, numbered from 0 in the order of their first rows, and the rows of each."""
        last_root = last_unit = -1
        for block in self._rows.blocks():
            root_P, rows_P = decoded(block)
            units_P = last_unit + np.cumsum(np.diff(root_P, prepend=last_root) != 0)
            yield units_P, rows_P
            last_root, last_unit = int(root_P[-1]), int(units_P[-1])
