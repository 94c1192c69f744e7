"""MinHash with banding (Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4).

A set's signature holds, for each of many permutations, the least value of its members. Two sets agree in one entry with
a probability that is their Jaccard index s; entries are joined to bands of r, and sets that agree in any of b bands
become candidates: with probability 1 - (1 - s^r)^b.

Shape suffixes: E sets, M shingles, B bands.
"""

from __future__ import annotations

import functools
import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from oreline.data.duplicates.shingles import U32, Sets
from oreline.data.duplicates.tokens import I64, U64, mixed

_MISSED = 0.003
"""Share of the pairs exactly at the threshold that are not found."""
_GOLDEN = 0x9E3779B97F4A7C15
_STEP = 1 << 16
"""Shingles hashed at a time: they then stay in the processor's cache."""
VERSION = 1
"""Raised whenever the same text gets other keys."""


def bands(threshold: float) -> tuple[int, int]:
    """Return the number of bands and of entries in each, so that 99.7 % of the pairs at the threshold are found.

    >>> bands(0.8), bands(0.5)
    ((20, 6), (91, 4))
    """
    rows = 6 if threshold >= 0.75 else 5 if threshold >= 0.65 else 4 if threshold >= 0.5 else 3
    if threshold >= 1:
        return 1, rows
    return math.ceil(math.log(_MISSED) / math.log1p(-(threshold**rows))), rows


def band_keys(sets: Sets, num_bands: int, num_rows: int) -> U32:
    """Return the key of each band of each set, shape (E, B); equal signatures of shingles of one size have equal keys.

    32 bits, because every candidate is compared exactly: of 10 million sets 12,000 pairs a band agree by chance.
    """
    keys_EB = np.empty((len(sets.text_E), num_bands), np.uint32)
    for low, high in _steps(sets.starts_E):
        starts = sets.starts_E[low:high]
        values = sets.values_M[starts[0] : sets.starts_E[high]]
        keys_EB[low:high] = _keys(values, starts - starts[0], sets.size_E[low:high], num_bands, num_rows)
    return keys_EB


def _steps(starts_E: I64) -> list[tuple[int, int]]:
    """Return ranges of sets that hold about as many shingles as are hashed at a time, one set at least."""
    step_E = starts_E[:-1] // _STEP
    edges = [0, *(np.flatnonzero(np.diff(step_E)) + 1).tolist(), len(step_E)]
    return [(low, high) for low, high in pairwise(edges) if high > low]


def _keys(values: U32, starts: I64, sizes: NDArray[np.uint8], num_bands: int, num_rows: int) -> U32:
    factors, offsets = _permutations(num_bands * num_rows)
    hashes = np.empty_like(values)
    keys = np.empty((len(starts), num_bands), np.uint32)
    for band in range(num_bands):
        key: U64 = sizes.astype(np.uint64)
        for entry in range(band * num_rows, (band + 1) * num_rows):
            np.multiply(values, factors[entry], out=hashes)
            np.add(hashes, offsets[entry], out=hashes)
            key = mixed(key * np.uint64(_GOLDEN) + np.minimum.reduceat(hashes, starts))
        keys[:, band] = key >> np.uint64(32)
    return keys


@functools.cache
def _permutations(num_hashes: int) -> tuple[U32, U32]:
    """Return odd factors and offsets: x * a + b modulo 2^32 is a permutation, and shingles are mixed already."""
    random = np.random.default_rng(20_260_101)
    factors = random.integers(0, 2**31, num_hashes, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return factors, random.integers(0, 2**32, num_hashes, dtype=np.uint32)
