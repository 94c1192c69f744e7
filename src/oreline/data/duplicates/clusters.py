"""Clusters of near-duplicate rows, and which row of each stays.

Candidates are compared exactly, and rows that are near are connected. In every component the best row stays, and those
go that are near to it or two steps away at most: by the triangle inequality of the Jaccard distance such a row has at
least a similarity of 2t - 1 to it. What hangs together by a longer chain only (one boilerplate text leading to the
next) is divided again in the same way, so that no chain, however long, removes texts that differ.

Shape suffixes: N rows, E sets, P pairs, D rows to drop.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from oreline.data.duplicates.minhash import bands
from oreline.data.duplicates.near import Sketch
from oreline.data.duplicates.shingles import SpooledSets, similarities
from oreline.data.duplicates.survivors import Divided, divided, first_of_equal, places
from oreline.data.duplicates.tokens import I64
from oreline.data.duplicates.union import connected
from oreline.data.external.spool import Spool

SPOOL_BYTES = 256 << 20
_NEIGHBOURS = 12
"""Sets of equal key in a band are compared with so many that follow, and with the first of all."""
_PAIRS_PER_ROW, _MORE_PAIRS = 20, 1_000_000
"""Candidates that are compared, at most."""


class Clusters(NamedTuple):
    """What was found among rows."""

    divided: Divided
    """Rows that go."""
    component_N: I64
    """The first row that each is connected with by near rows, itself included."""
    num_skipped: int
    """Candidate pairs that were not compared, because there were too many."""


class NearRows:
    """Collects the sketches of rows, frame by frame, and finds the clusters among them, once.

    Memory: shingles and keys up to `max_bytes`, beyond that they go to disk; some bytes a row besides.
    """

    def __init__(self, threshold: float, *, max_bytes: int = SPOOL_BYTES) -> None:
        self.threshold = threshold
        num_bands, _ = bands(threshold)
        self._values = Spool(np.uint32, max_bytes=max_bytes)
        # Band by band, because that is how they are read.
        self._keys = [Spool(np.uint32, max_bytes=max_bytes // num_bands) for _ in range(num_bands)]
        self._owners: list[NDArray[np.uint32]] = []
        self._sizes: list[NDArray[np.uint8]] = []
        self._counts: list[NDArray[np.uint32]] = []
        self._digests: list[NDArray[np.uint64]] = []
        self.num_rows = 0

    def add(self, found: Sketch) -> None:
        """Add the rows of a frame."""
        self._values.append(found.sets.values_M)
        for band, spool in enumerate(self._keys):
            spool.append(found.keys_EB[:, band])
        self._owners.append((found.sets.text_E + self.num_rows).astype(np.uint32))
        self._sizes.append(found.sets.size_E)
        self._counts.append(found.sets.counts_E.astype(np.uint32))
        self._digests.append(found.digest_N)
        self.num_rows += len(found.digest_N)

    def clusters(self, rank_N: NDArray[np.generic]) -> Clusters:
        """Return what goes and what stays: in each cluster the row of the lowest rank, of equal ones the first."""
        search = self._search()
        component_N = search.connect()
        least = max(2 * self.threshold - 1, 0.5)
        found = divided(component_N, search.first_N, places(rank_N), search.similarity, least)
        return Clusters(found, component_N, search.num_skipped)

    def components(self) -> I64:
        """Return the first row that each row is connected with by near rows, itself included, shape (N,)."""
        return self._search().connect()

    def _search(self) -> _Search:
        """Begin a search among all rows; they are handed over to it, so that they are not held twice."""
        digest_N = _taken(self._digests, np.uint64)
        starts_E = np.concatenate([[0], np.cumsum(_taken(self._counts, np.uint32), dtype=np.int64)])
        owner_E, size_E = _taken(self._owners, np.uint32).astype(np.int64), _taken(self._sizes, np.uint8)
        sets = SpooledSets(owner_E, size_E, self._values, starts_E)
        return _Search(sets, self._keys, digest_N, self.threshold)


class _Search:
    def __init__(self, sets: SpooledSets, keys: list[Spool], digest_N: NDArray[np.uint64], threshold: float) -> None:
        self._sets, self._keys, self._threshold = sets, keys, threshold
        self.first_N = first_of_equal(digest_N)
        self._component_N = self.first_N.copy()
        self.num_skipped = 0

    def connect(self) -> I64:
        """Find near rows, band by band; rows that are connected already are not compared again."""
        is_first_E = self.first_N[self._sets.text_E] == self._sets.text_E
        chosen_E = np.flatnonzero(is_first_E)
        left = _PAIRS_PER_ROW * len(chosen_E) + _MORE_PAIRS
        seen = np.zeros(0, np.uint64)
        for spool in self._keys:
            first_P, second_P = _agreeing(spool.array()[chosen_E])
            spool.release()
            first_P, second_P = chosen_E[first_P], chosen_E[second_P]
            roots = self._component_N[self._sets.text_E[first_P]], self._component_N[self._sets.text_E[second_P]]
            codes = np.minimum(first_P, second_P).astype(np.uint64) << np.uint64(32)
            codes |= np.maximum(first_P, second_P).astype(np.uint64)
            codes = np.setdiff1d(codes[roots[0] != roots[1]], seen)
            self.num_skipped += max(0, len(codes) - left)
            codes = codes[:left]
            left -= len(codes)
            seen = np.union1d(seen, codes)
            self._unite((codes >> np.uint64(32)).astype(np.int64), (codes & np.uint64(0xFFFFFFFF)).astype(np.int64))
        return self._component_N

    def _unite(self, first_P: I64, second_P: I64) -> None:
        is_near = self._similar(first_P, second_P) >= self._threshold
        first, second = self._sets.text_E[first_P[is_near]], self._sets.text_E[second_P[is_near]]
        if len(first):
            roots = connected(len(self._component_N), self._component_N[first], self._component_N[second])
            self._component_N = roots[self._component_N]

    def similarity(self, first_P: I64, second_P: I64) -> NDArray[np.float64]:
        """Return the similarity of pairs of rows: the highest over the sizes in which both are cut."""
        best_P = np.zeros(len(first_P))
        for set_of_N in self._set_of:
            one, other = set_of_N[first_P], set_of_N[second_P]
            both = np.flatnonzero((one >= 0) & (other >= 0))
            found = self._similar(one[both].astype(np.int64), other[both].astype(np.int64))
            best_P[both] = np.maximum(best_P[both], found)
        return best_P

    @cached_property
    def _set_of(self) -> list[NDArray[np.int32]]:
        """For each size the number of each row's set, or -1."""
        tables = []
        for size in np.unique(self._sets.size_E):
            table = np.full(len(self.first_N), -1, np.int32)
            chosen = np.flatnonzero(self._sets.size_E == size)
            table[self._sets.text_E[chosen]] = chosen
            tables.append(table)
        return tables

    def _similar(self, first_P: I64, second_P: I64) -> NDArray[np.float64]:
        return similarities(self._sets, first_P, self._sets, second_P)


def _taken(parts: list[NDArray[Any]], dtype: DTypeLike) -> NDArray[Any]:
    """Return parts as one array and empty their list."""
    whole = np.concatenate([np.zeros(0, dtype), *parts])
    parts.clear()
    return whole


def _agreeing(keys_E: NDArray[np.uint32]) -> tuple[I64, I64]:
    """Return pairs of sets with equal keys: each with some that follow and with the first, so that all can connect."""
    order = np.argsort(keys_E, kind="stable")
    keys = keys_E[order]
    first, second = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    alike = np.flatnonzero(keys[1:] == keys[:-1])
    for ahead in range(1, _NEIGHBOURS + 1):
        alike = alike[alike + ahead < len(keys)]
        alike = alike[keys[alike] == keys[alike + ahead]]
        if not len(alike):
            return np.concatenate(first), np.concatenate(second)
        first.append(order[alike])
        second.append(order[alike + ahead])
    is_first = np.ones(len(keys), np.bool_)
    is_first[1:] = keys[1:] != keys[:-1]
    starts = np.flatnonzero(is_first)[np.cumsum(is_first) - 1]
    far = np.flatnonzero(np.arange(len(keys)) - starts > _NEIGHBOURS)
    first.append(order[starts[far]])
    second.append(order[far])
    return np.concatenate(first), np.concatenate(second)
