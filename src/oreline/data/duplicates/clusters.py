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
from oreline.data.duplicates.union import Joined
from oreline.data.external.runs import counted
from oreline.data.external.sorting import Sorted, decoded
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
    """Decides which of the rows that are connected stay.

    Args:
        joined: the rows, connected; those that are equal outright are among them.
        equal: rows that are equal outright, as `EqualRows.groups` gives them: they share a similarity to all others.
        max_bytes: held in memory, about; the rest lies on disk.
    """

    def __init__(self, joined: Joined, equal: Sorted, *, max_bytes: int) -> None:
        self._connected, self._equal, self._num_rows = joined.rows(), equal, joined.num_rows
        self._share = max_bytes // 8

    def divided(self, rank: Rank, similarity: Similarity, least: float) -> Divided:
        """Divide the components: in each the best row stays, of equal ones the first.

        Args:
            rank: the lower, the better a row is.
            similarity: of pairs of rows.
            least: similarity to the row that stays from which on a row goes.
        """
        drops = Drops(self._num_rows, max_bytes=self._share)
        best = Table(self._num_rows, np.uint32, max_bytes=self._share)
        for first_P, best_P in best_of(self._equal.blocks(), rank):
            best.put(first_P, best_P)
        num_unmerged = divide(self._best_of_equal(best), rank, similarity, least, drops, max_bytes=2 * self._share)
        # A row whose text equals that of a row that goes gives way to the same one.
        for block in self._equal.blocks():
            first_P, row_P = decoded(block)
            best_P = best.take(first_P).astype(np.int64)
            others = row_P != best_P
            drops.put(row_P[others], drops.kept(best_P[others]))
        return Divided(drops, num_unmerged, _largest(self._connected))

    def _best_of_equal(self, best: Table) -> Sorted:
        """Return the rows that are connected, of equal ones the best alone."""
        beside = Bits(self._num_rows)
        for block in self._equal.blocks():
            first_P, row_P = decoded(block)
            beside.set(row_P[row_P != best.take(first_P)])
        waiting = Sorted(max_bytes=self._share)
        for block in self._connected.blocks():
            waiting.append(block[~beside.at(decoded(block)[1])])
        return waiting


def _largest(connected: Sorted) -> int:
    """Return the rows of the largest component."""
    sizes = counted(decoded(block)[0] for block in connected.blocks())
    return max((int(sizes_P.max()) for _, sizes_P in sizes), default=0)
