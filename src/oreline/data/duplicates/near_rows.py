"""Near-duplicates among all rows: candidates by bands of MinHash, each compared exactly.

Shape suffixes: N rows, E sets, P pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oreline.data.duplicates.clusters import Clusters, Divided
from oreline.data.duplicates.drops import Similarity
from oreline.data.duplicates.equal import EqualRows
from oreline.data.duplicates.minhash import bands
from oreline.data.duplicates.near import Sketch
from oreline.data.duplicates.shingles import SpooledSets, similarities
from oreline.data.duplicates.survivors import Rank
from oreline.data.duplicates.tokens import I64, U64
from oreline.data.duplicates.union import Joined
from oreline.data.external.sorting import Sorted, coded, decoded
from oreline.data.external.spool import Spool
from oreline.data.external.table import Bits

SPOOL_BYTES = 256 << 20
_NEIGHBOURS = 12
"""Sets of equal key in a band are compared with so many that follow, and with the first of all."""
_PAIRS_PER_ROW, _MORE_PAIRS = 20, 1_000_000
"""Candidates that are compared, at most."""
_MAX_DIFFERING = 1 << 21
"""Pairs that are not near and that other bands do not compare again, at most: 16 MB, whatever memory is allowed, so
that the same pairs are compared."""


class Found(NamedTuple):
    """What was found among rows."""

    divided: Divided
    similarity: Similarity
    num_skipped: int
    """Candidate pairs that were not compared, because there were too many."""


class NearRows:
    """Collects the sketches of rows, frame by frame, and finds the clusters among them, once.

    Memory: shingles and keys up to `max_bytes` each, all else together up to as much again; beyond that it lies on
    disk. A quarter of a byte a row stays.
    """

    def __init__(self, threshold: float, *, max_bytes: int = SPOOL_BYTES) -> None:
        self.threshold, self._max_bytes = threshold, max_bytes
        num_bands, _ = bands(threshold)
        self._sets = SpooledSets(max_bytes=max_bytes)
        self._first_set = Spool(np.uint64, max_bytes=max_bytes // 8)
        self._equal = EqualRows(1, max_bytes=max_bytes // 8)
        self._keys = [Sorted(max_bytes=max_bytes // num_bands) for _ in range(num_bands)]

    @property
    def num_rows(self) -> int:
        """Rows that were added."""
        return self._equal.num_rows

    def add(self, found: Sketch) -> None:
        """Add the rows of a frame."""
        order_E = np.argsort(found.sets.text_E, kind="stable")
        number_E = len(self._sets) + np.arange(len(order_E))
        for band, keys in enumerate(self._keys):
            keys.append(coded(found.keys_EB[order_E, band], number_E))
        before_N = np.searchsorted(found.sets.text_E[order_E], np.arange(len(found.digest_N)))
        self._first_set.append((len(self._sets) + before_N).astype(np.uint64))
        self._sets.append(found.sets, order_E, first_text=self.num_rows)
        self._equal.add(found.digest_N, is_alone_N=found.digest_N == 0)

    def clusters(self, rank: Rank) -> Found:
        """Return what goes and what stays: in each cluster the row of the lowest rank, of equal ones the first."""
        search = self._searched()
        clusters = Clusters(search.joined, search.equal, max_bytes=self._max_bytes // 2)
        divided = clusters.divided(rank, search.similarity, max(2 * self.threshold - 1, 0.5))
        return Found(divided, search.similarity, search.num_skipped)

    def connected_rows(self) -> Sorted:
        """Return the rows that near rows connect with others, as `coded(first row of the component, row)`."""
        return self._searched().joined.rows()

    def _searched(self) -> _Search:
        self._first_set.append(np.array([len(self._sets)], np.uint64))
        search = _Search(self._sets, self._first_set, self._equal, self.threshold, self._max_bytes)
        while self._keys:
            search.connect(self._keys.pop(0))
        return search


class _Search:
    """Finds near rows, band by band; rows that are connected already are not compared again."""

    def __init__(self, sets: SpooledSets, first_set: Spool, rows: EqualRows, threshold: float, max_bytes: int) -> None:
        self._sets, self._first_set, self._threshold = sets, first_set, threshold
        self.equal, self.joined = rows.groups(), Joined(rows.num_rows, max_bytes=max_bytes // 4)
        self.joined.connect(self.equal)
        self.num_skipped = 0
        self._is_left_out = self._sets_of_repeated()
        self._left = _PAIRS_PER_ROW * (len(sets) - self._is_left_out.count()) + _MORE_PAIRS
        self._differing = np.zeros(0, np.uint64)
        """Pairs that were compared in other bands and are not near."""

    def connect(self, keys: Sorted) -> None:
        """Compare the sets that agree in a band."""
        differing, num_differing = [self._differing], len(self._differing)
        for first_P, second_P in agreeing(codes[~self._is_left_out.at(decoded(codes)[1])] for codes in keys.blocks()):
            pairs = self._new(np.sort(coded(first_P, second_P)))
            self.num_skipped += max(0, len(pairs) - self._left)
            pairs = pairs[: self._left]
            self._left -= len(pairs)
            first_P, second_P = decoded(pairs)
            is_near = similarities(self._sets, first_P, self._sets, second_P) >= self._threshold
            self.joined.connect_pairs(self._sets.texts(first_P[is_near]), self._sets.texts(second_P[is_near]))
            differing.append(pairs[~is_near][: _MAX_DIFFERING - num_differing])
            num_differing += len(differing[-1])
        self._differing = np.sort(np.concatenate(differing))

    def similarity(self, first_P: I64, second_P: I64) -> NDArray[np.float64]:
        """Return the similarity of pairs of rows: the highest over the sizes in which both are cut."""
        best_P = np.zeros(len(first_P))
        for first_E, second_E in product(self._sets_of(first_P), self._sets_of(second_P)):
            both = np.flatnonzero((first_E >= 0) & (second_E >= 0))
            found = similarities(self._sets, first_E[both], self._sets, second_E[both])
            best_P[both] = np.maximum(best_P[both], found)
        return best_P

    def _new(self, pairs: U64) -> U64:
        """Return the pairs that are not connected yet and were not found to differ."""
        first_P, second_P = decoded(pairs)
        pairs = pairs[self.joined.are_apart(self._sets.texts(first_P), self._sets.texts(second_P))]
        if not len(self._differing):
            return pairs
        place_P = np.minimum(np.searchsorted(self._differing, pairs), len(self._differing) - 1)
        found: U64 = pairs[self._differing[place_P] != pairs]
        return found

    def _sets_of(self, row_P: I64) -> list[I64]:
        """Return the first sets of some rows, their second ones and so on; -1 where there is none."""
        first_P, end_P = self._first_set.at(row_P).astype(np.int64), self._first_set.at(row_P + 1).astype(np.int64)
        most = int((end_P - first_P).max(initial=0))
        return [np.where(first_P + number < end_P, first_P + number, -1) for number in range(most)]

    def _sets_of_repeated(self) -> Bits:
        """Return the sets of rows that are equal to an earlier one."""
        found = Bits(len(self._sets))
        for block in self.equal.blocks():
            first_P, row_P = decoded(block)
            for set_P in self._sets_of(row_P[row_P != first_P]):
                found.set(set_P[set_P >= 0])
        return found


def agreeing(blocks: Iterable[U64]) -> Iterator[tuple[I64, I64]]:
    """Yield pairs of sets with equal keys: some before each, and the first, beside it, so that all can connect.

    Each is given with the one just before it first: where these are near, whoever takes the pairs need not compare the
    others.

    Args:
        blocks: `coded(key, set)` in rising order.
    """
    begun = np.zeros(0, np.uint64)
    for block in blocks:
        if not len(block):
            continue
        codes = np.concatenate([begun, block])
        keys, sets = decoded(codes)
        begin_P = np.searchsorted(keys, keys)
        number_P = np.arange(len(codes))
        later = number_P[len(begun) :]
        for ahead in range(1, _NEIGHBOURS + 1):
            later = later[begin_P[later] + ahead <= later]
            if not len(later):
                break
            yield sets[later - ahead], sets[later]
        far = later[begin_P[later] + _NEIGHBOURS < later]
        yield sets[begin_P[far]], sets[far]
        # The first of the last key and those before the next block stand for all of that key.
        last = codes[begin_P[-1] :]
        begun = last if len(last) <= _NEIGHBOURS + 1 else np.concatenate([last[:1], last[-_NEIGHBOURS:]])
