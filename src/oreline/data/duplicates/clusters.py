"""Clusters of rows that are connected by being near to one another, and which row of each stays.

In every component the best row stays, and those go that are near to it or two steps away at most: by the triangle
inequality of the Jaccard distance such a row has at least a similarity of 2t - 1 to it. What hangs together by a longer
chain only (one boilerplate text leading to the next) is divided again in the same way, so that no chain, however long,
removes texts that differ.

Shape suffixes: P places.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oreline.data.duplicates.drops import Drops, Similarity
from oreline.data.duplicates.survivors import Rank, best_of, divide
from oreline.data.duplicates.tokens import I64
from oreline.data.duplicates.union import Forest
from oreline.data.external.sorting import Sorted, coded, decoded, distinct
from oreline.data.external.table import Bits, Table


class Divided(NamedTuple):
    """What became of the clusters."""

    drops: Drops
    """Rows that go, and for which."""
    num_unmerged: int
    """Rows of long chains that stay although they are near to some row."""
    largest: int
    """Rows of the largest component."""


class Clusters:
    """Connects rows, and decides which of those that are connected stay.

    Args:
        num_rows: of all.
        equal: rows that are equal outright, as `EqualRows.groups` gives them: they share a similarity to all others.
        max_bytes: held in memory, about; the rest lies on disk.
    """

    def __init__(self, num_rows: int, equal: Sorted, *, max_bytes: int) -> None:
        self.num_rows, self._equal, self._share = num_rows, equal, max_bytes // 8
        self._forest = Forest(num_rows, max_bytes=self._share)
        self._joined = Sorted(max_bytes=self._share)
        for block in equal.blocks():
            self.connect(*decoded(block))

    def connect(self, first_P: I64, second_P: I64) -> None:
        """Connect pairs of rows."""
        self._forest.connect(first_P, second_P)
        self._joined.append(first_P)
        self._joined.append(second_P)

    def are_apart(self, first_P: I64, second_P: I64) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return which pairs of rows are not connected yet, over any number of steps."""
        apart: np.ndarray[tuple[int], np.dtype[np.bool_]] = self._forest.roots(first_P) != self._forest.roots(second_P)
        return apart

    def connected_rows(self) -> Sorted:
        """Return the rows that are connected with others, each as `coded(first row of its component, row)`."""
        found = Sorted(max_bytes=self._share)
        for rows in distinct(self._joined.blocks()):
            place_P = rows.astype(np.int64)
            found.append(coded(self._forest.roots(place_P), place_P))
        return found

    def divided(self, rank: Rank, similarity: Similarity, least: float) -> Divided:
        """Divide the components: in each the best row stays, of equal ones the first.

        Args:
            rank: the lower, the better a row is.
            similarity: of pairs of rows.
            least: similarity to the row that stays from which on a row goes.
        """
        drops = Drops(self.num_rows, max_bytes=self._share)
        connected = self.connected_rows()
        best = Table(self.num_rows, np.uint32, max_bytes=self._share)
        for first_P, best_P in best_of(self._equal.blocks(), rank):
            best.put(first_P, best_P)
        num_unmerged = divide(
            self._best_of_equal(connected, best), rank, similarity, least, drops, max_bytes=2 * self._share
        )
        # A row whose text equals that of a row that goes gives way to the same one.
        for block in self._equal.blocks():
            first_P, row_P = decoded(block)
            best_P = best.take(first_P).astype(np.int64)
            others = row_P != best_P
            drops.put(row_P[others], drops.kept(best_P[others]))
        return Divided(drops, num_unmerged, _largest(connected))

    def _best_of_equal(self, connected: Sorted, best: Table) -> Sorted:
        """Return the rows that are connected, of equal ones the best alone."""
        beside = Bits(self.num_rows)
        for block in self._equal.blocks():
            first_P, row_P = decoded(block)
            beside.set(row_P[row_P != best.take(first_P)])
        waiting = Sorted(max_bytes=self._share)
        for block in connected.blocks():
            waiting.append(block[~beside.at(decoded(block)[1])])
        return waiting


def _largest(connected: Sorted) -> int:
    """Return the rows of the largest component."""
    largest = current = 0
    last = -1
    for block in connected.blocks():
        roots, counts = np.unique(decoded(block)[0], return_counts=True)
        counts[0] += current if roots[0] == last else 0
        last, current = int(roots[-1]), int(counts[-1])
        largest = max(largest, int(counts.max()))
    return largest
