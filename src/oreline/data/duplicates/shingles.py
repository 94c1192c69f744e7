"""Texts as sets of shingles: runs of neighbouring tokens, as hashes of 32 bits.

Short texts are cut into pairs of tokens, others into runs of five, long ones in a writing without spaces (where a token
is a character) into runs of ten. The first step lies at 50 tokens, from where on one changed word leaves a similarity
of 0.8 in runs of five; the second at 2,000, because the short runs of an alphabet are used up by long texts: two
unrelated ones then share most of them (marin, issue 6854: 97 % of a corpus removed). Around a step a text is cut both
ways, so that two texts of nearly equal length are always compared.

Two sets of a and b shingles agree in a * b / 2^32 of them by chance: one for two texts of 65,536 words.

Shape suffixes: N texts, T tokens, E sets (a text and a size), M shingles.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oreline.data.duplicates.tokens import I64, U64, Tokens, mixed
from oreline.data.external.spool import Spool

SHORT, MIDDLE, LONG = 2, 5, 10
"""Tokens in a shingle."""
_MIDDLE_FROM, _LONG_FROM = 50, 2000
_FACTOR = 0xC2B2AE3D27D4EB4F
_BLOCK = 1_000_000
"""Shingles that are compared at a time."""
_BYTE = 8

U32 = NDArray[np.uint32]


class Sets(NamedTuple):
    """Sets of shingles: set e is of text `text_E[e]` and has `values_M[starts_E[e]:starts_E[e + 1]]`."""

    text_E: I64
    size_E: NDArray[np.uint8]
    """Tokens in each of a set's shingles; only sets of one size can be compared."""
    values_M: U32
    """Sorted and distinct in each set."""
    starts_E: I64
    """One more than there are sets."""

    @property
    def counts_E(self) -> I64:  # noqa: N802  the suffix is its shape
        """Shingles in each set."""
        return np.diff(self.starts_E)

    def sizes(self, numbers: I64) -> NDArray[np.uint8]:
        """Return the tokens in a shingle of some sets."""
        return self.size_E[numbers]

    def runs(self, numbers: I64) -> tuple[I64, I64]:
        """Return where the shingles of some sets begin, and how many they are."""
        starts = self.starts_E[numbers]
        return starts, self.starts_E[numbers + 1] - starts

    def taken(self, starts: I64, counts: I64) -> U32:
        """Return the shingles of some `runs`, end to end."""
        ends = np.cumsum(counts)
        places = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + counts, counts)
        found: U32 = self.values_M[places]
        return found


class SpooledSets:
    """`Sets` that are added to, and lie on disk beyond a bound."""

    def __init__(self, *, max_bytes: int) -> None:
        self._values = Spool(np.uint32, max_bytes=max_bytes)
        self._ends = Spool(np.int64, max_bytes=max_bytes // 8)
        self._ends.append(np.zeros(1, np.int64))
        self._kinds = Spool(np.uint64, max_bytes=max_bytes // 8)
        """The text of each set, and in its last byte the size of its shingles."""
        self._num_sets = self._num_values = 0

    def __len__(self) -> int:
        return self._num_sets

    def append(self, sets: Sets, order_E: I64, *, first_text: int) -> None:
        """Add sets in an order; the first of their texts has this number."""
        starts, counts = sets.runs(order_E)
        in_order = bool((order_E[1:] > order_E[:-1]).all())
        self._values.append(sets.values_M if in_order else sets.taken(starts, counts))
        self._ends.append(self._num_values + np.cumsum(counts))
        kinds = (sets.text_E[order_E] + first_text).astype(np.uint64) << _BYTE
        self._kinds.append(kinds | sets.size_E[order_E])
        self._num_sets += len(order_E)
        self._num_values += int(counts.sum())

    def texts(self, numbers: I64) -> I64:
        """Return the texts that some sets are of."""
        texts: I64 = (self._kinds.at(numbers) >> _BYTE).astype(np.int64)
        return texts

    def sizes(self, numbers: I64) -> NDArray[np.uint8]:
        """Return the tokens in a shingle of some sets."""
        sizes: NDArray[np.uint8] = self._kinds.at(numbers).astype(np.uint8)
        return sizes

    def runs(self, numbers: I64) -> tuple[I64, I64]:
        """Return where the shingles of some sets begin, and how many they are."""
        starts: I64 = self._ends.at(numbers)
        return starts, self._ends.at(numbers + 1) - starts

    def taken(self, starts: I64, counts: I64) -> U32:
        """Return the shingles of some `runs`, end to end."""
        found: U32 = self._values.runs(starts, counts)
        return found


def shingle_sets(found: Tokens, *, near: float, size: int | None = None) -> Sets:
    """Return the sets of each text; a text without tokens has none, one shorter than a shingle is one shingle.

    Args:
        found: the texts' tokens.
        near: similarity from which on texts will count as near: how far apart their lengths can be.
        size: tokens in a shingle for all texts; chosen by their length when not given.

    >>> import polars as pl
    >>> from oreline.data.duplicates.tokens import tokens
    >>> sets = shingle_sets(tokens(pl.Series(["a fine film", "", "film"])), near=0.8)
    >>> sets.text_E.tolist(), sets.counts_E.tolist()
    ([0, 2], [2, 1])
    """
    parts = []
    for tokens_of_it, chosen_N in _chosen(found, near, size):
        if chosen_N.any():
            parts.append(_sets(found, chosen_N, tokens_of_it))
    if not parts:
        nothing = np.zeros(0, np.int64)
        return Sets(nothing, np.zeros(0, np.uint8), np.zeros(0, np.uint32), np.zeros(1, np.int64))
    counts_E = np.concatenate([part.counts_E for part in parts])
    return Sets(
        np.concatenate([part.text_E for part in parts]),
        np.concatenate([part.size_E for part in parts]),
        np.concatenate([part.values_M for part in parts]),
        np.concatenate([[0], np.cumsum(counts_E)]).astype(np.int64),
    )


def similarities(
    first: Sets | SpooledSets, first_P: I64, second: Sets | SpooledSets, second_P: I64
) -> NDArray[np.float64]:
    """Return the Jaccard index |A ∩ B| / |A ∪ B| of pairs of sets, given by their numbers; 0 where their sizes differ.

    >>> import polars as pl
    >>> from oreline.data.duplicates.tokens import tokens
    >>> sets = shingle_sets(tokens(pl.Series(["a b c d", "a b c e"])), near=0.8)
    >>> similarities(sets, np.array([0]), sets, np.array([1])).tolist()
    [0.5]
    """
    runs_of = first.runs(first_P), second.runs(second_P)
    counts_P = runs_of[0][1] + runs_of[1][1]
    block_P = np.cumsum(counts_P) // _BLOCK
    edges = [0, *(np.flatnonzero(np.diff(block_P)) + 1).tolist(), len(first_P)]
    common = [np.zeros(0, np.int64)]
    for low, high in pairwise(edges):
        keys = [
            _keyed(sets.taken(starts[low:high], counts[low:high]), counts[low:high])
            for sets, (starts, counts) in zip((first, second), runs_of)
        ]
        common.append(_num_common(np.concatenate(keys), high - low))
    common_P = np.concatenate(common)
    is_comparable = first.sizes(first_P) == second.sizes(second_P)
    return np.where(is_comparable, common_P / np.maximum(counts_P - common_P, 1), 0.0)


def _num_common(keys: U64, num_pairs: int) -> I64:
    """Return how many keys each pair has twice."""
    both = np.sort(keys)
    twice = both[1:][both[1:] == both[:-1]]
    return np.bincount((twice >> np.uint64(32)).astype(np.int64), minlength=num_pairs)


def _keyed(shingles: U32, counts: I64) -> U64:
    """Return the shingles of some sets, end to end, each with the number of its set in the upper half."""
    keys: U64 = np.repeat(np.arange(len(counts), dtype=np.uint64) << np.uint64(32), counts)
    keys |= shingles
    return keys


def _chosen(found: Tokens, near: float, size: int | None) -> list[tuple[int, NDArray[np.bool_]]]:
    """Return which texts are cut into shingles of which size; near a step, and of mixed writing, into both."""
    counts_N = found.counts_N
    if size is not None:
        return [(size, counts_N > 0)]
    is_short = (counts_N > 0) & (counts_N < _MIDDLE_FROM / near)
    single_N = found.num_single_N / np.maximum(counts_N, 1)
    is_middle = (counts_N >= _MIDDLE_FROM) & ((counts_N < _LONG_FROM / near) | (single_N < 0.6))
    is_long = (counts_N >= _LONG_FROM) & (single_N > 0.4)
    return [(SHORT, is_short), (MIDDLE, is_middle), (LONG, is_long)]


def _sets(found: Tokens, chosen_N: NDArray[np.bool_], size: int) -> Sets:
    counts_N = found.counts_N
    counts_E = counts_N[chosen_N]
    hashes_T = found.hashes_T if chosen_N.all() else found.hashes_T[np.repeat(chosen_N, counts_N)]
    starts_E = np.cumsum(counts_E) - counts_E
    sums_T = _sums(hashes_T, size)
    owner_T = np.repeat(np.arange(len(counts_E), dtype=np.uint64), counts_E)
    place_T = np.arange(len(hashes_T)) - np.repeat(starts_E, counts_E)
    is_shingle_T = place_T <= np.repeat(np.maximum(counts_E - size, 0), counts_E)
    if (is_cut := counts_E < size).any():  # the sum ran on into the next text
        terms_T = hashes_T * _factors(size)[np.minimum(place_T, size - 1)]
        sums_T[starts_E[is_cut]] = np.add.reduceat(terms_T, starts_E)[is_cut]
    keys_T = (owner_T[is_shingle_T] << np.uint64(32)) | (mixed(sums_T[is_shingle_T]) >> np.uint64(32))
    keys_T.sort()
    is_new = np.ones(len(keys_T), np.bool_)
    is_new[1:] = keys_T[1:] != keys_T[:-1]
    keys_M = keys_T[is_new]
    sizes_E = np.bincount((keys_M >> np.uint64(32)).astype(np.int64), minlength=len(counts_E))
    return Sets(
        np.flatnonzero(chosen_N),
        np.full(len(counts_E), size, np.uint8),
        keys_M.astype(np.uint32),
        np.concatenate([[0], np.cumsum(sizes_E)]).astype(np.int64),
    )


def runs(found: Tokens, size: int) -> tuple[U64, I64]:
    """Return a hash of every run of `size` neighbouring tokens, and the text that it stands in.

    >>> import polars as pl
    >>> from oreline.data.duplicates.tokens import tokens
    >>> hashes, texts = runs(tokens(pl.Series(["a b c d", "a b", "b c d"])), 3)
    >>> texts.tolist(), bool(hashes[1] == hashes[2])
    ([0, 0, 2], True)
    """
    counts_N = found.counts_N
    place_T = np.arange(len(found.hashes_T)) - np.repeat(found.starts_N[:-1], counts_N)
    is_run_T = place_T <= np.repeat(counts_N - size, counts_N)
    owner_T = np.repeat(np.arange(len(counts_N)), counts_N)
    hashes: U64 = mixed(_sums(found.hashes_T, size)[is_run_T])
    return hashes, owner_T[is_run_T]


def _sums(hashes_T: U64, size: int) -> U64:
    """Return, for the run that begins at each token, the sum of hash * factor^place; across the ends of texts too."""
    factors = _factors(size)
    sums_T: U64 = hashes_T * factors[0]
    for ahead in range(1, min(size, len(hashes_T))):
        sums_T[:-ahead] += hashes_T[ahead:] * factors[ahead]
    return sums_T


def _factors(size: int) -> U64:
    factors: U64 = np.cumprod(np.full(size, _FACTOR, np.uint64), dtype=np.uint64)
    return factors
