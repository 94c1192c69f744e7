"""Pairs of vectors that point nearly the same way.

Shape suffixes: N rows, R some of them, D width, P pairs, K buckets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.duplicates.shingles import runs
from oreline.data.duplicates.tokens import I64, tokens

_ALL_PAIRS = 20_000
"""Rows up to which every pair is compared."""
_BUCKET_ROWS = 5_000
_SAMPLE, _ROUNDS = 20_000, 8
_BLOCK = 2_048
_WIDTH = 512
_NEIGHBOURS = 16
"""Pairs of one row in a block, at most, where very many are alike: enough to connect them."""

Vectors = NDArray[np.float32]
Read = Callable[[I64], Vectors]
"""Gives the vectors of some rows, (R, D): from memory, or from where they lie."""


def alike(read: Read, threshold: float, *, rows: I64) -> Iterator[tuple[I64, I64]]:
    """Yield the pairs among some rows whose cosine is at least the threshold; vectors have length 1 or 0.

    Where more than 16 rows of a block are alike, each is given with the first 16 of them: all are still connected.
    Of more than 20,000 rows those are compared that share one of their two nearest k-means buckets: a pair that is
    nearly parallel has nearly always one in common, and a pair that has both in common comes twice.

    Memory: the vectors of 20,000 rows, and 24 bytes for each row.
    """
    if len(rows) <= _ALL_PAIRS:
        yield from _within(read, rows, threshold)
        return
    centres_KD = _centres(read, rows, len(rows) // _BUCKET_ROWS + 1)
    nearest_2N = _nearest(read, rows, centres_KD)
    for bucket in range(len(centres_KD)):
        yield from _within(read, rows[(nearest_2N == bucket).any(axis=0)], threshold)


def cosines(read: Read, first_P: I64, second_P: I64) -> NDArray[np.float64]:
    """Return the cosine of pairs of rows."""
    parts = [np.zeros(0)]
    for low in range(0, len(first_P), _BLOCK):
        first, second = read(first_P[low : low + _BLOCK]), read(second_P[low : low + _BLOCK])
        parts.append(np.einsum("pd,pd->p", first, second).astype(np.float64))
    return np.concatenate(parts)


def hashed_words(texts: pl.Series) -> Vectors:
    """Return vectors that count words and pairs of them in 512 places by hash (Weinberger et al. 2009).

    >>> a, b = hashed_words(pl.Series(["good film", "Film, good"]))
    >>> bool(a @ b > 0)
    True
    """
    found = tokens(texts)
    vectors_ND = np.zeros((len(texts), _WIDTH), np.float32)
    for size in (1, 2):
        hashes, owners = runs(found, size)
        places = ((hashes >> np.uint64(40)) % np.uint64(_WIDTH)).astype(np.int64)
        signs = np.where(hashes >> np.uint64(63), 1.0, -1.0).astype(np.float32)
        np.add.at(vectors_ND, (owners, places), signs)
    return vectors_ND


def _within(read: Read, rows: I64, threshold: float) -> Iterator[tuple[I64, I64]]:
    """Yield the pairs among some rows, compared block by block; of very many rows blocks are read again and again."""
    own = read(rows) if len(rows) <= _ALL_PAIRS else None

    def block(start: int) -> Vectors:
        return read(rows[start : start + _BLOCK]) if own is None else own[start : start + _BLOCK]

    for low in range(0, len(rows), _BLOCK):
        block_RD = block(low)
        for start in range(low, len(rows), _BLOCK):
            near = block_RD @ (block_RD if start == low else block(start)).T >= threshold - 1e-6
            if start == low:
                near = np.triu(near, k=1)
            if near.sum() > _NEIGHBOURS * len(near):
                near &= np.cumsum(near, axis=1, dtype=np.int32) <= _NEIGHBOURS
            one, other = np.nonzero(near)
            yield rows[one + low], rows[other + start]


def _centres(read: Read, rows: I64, num_buckets: int) -> Vectors:
    """Return the centres of spherical k-means on a sample."""
    random = np.random.default_rng(0)
    sample = read(rows[np.sort(random.permutation(len(rows))[:_SAMPLE])])
    centres_KD = sample[random.permutation(len(sample))[:num_buckets]]
    for _ in range(_ROUNDS):
        own = (sample @ centres_KD.T).argmax(axis=1)
        sums_KD = np.zeros_like(centres_KD)
        np.add.at(sums_KD, own, sample)
        lengths = np.linalg.norm(sums_KD, axis=1, keepdims=True)
        centres_KD = np.where(lengths > 0, sums_KD / np.maximum(lengths, 1e-12), centres_KD)
    return centres_KD


def _nearest(read: Read, rows: I64, centres_KD: Vectors) -> NDArray[np.int32]:
    """Return the two nearest centres of some rows, (2, R)."""
    parts = []
    for low in range(0, len(rows), _BLOCK):
        near = read(rows[low : low + _BLOCK]) @ centres_KD.T
        parts.append(np.argsort(-near, axis=1)[:, :2].T.astype(np.int32))
    return np.concatenate(parts, axis=1)
