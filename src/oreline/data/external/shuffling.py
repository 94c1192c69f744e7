"""Numbers in random order, however many: dealt out at random, each heap shuffled (Rao 1961, Sandelius 1962)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from oreline.data.external.sorting import I64, U64
from oreline.data.external.spool import BLOCK, Spool

BUCKET = 1 << 24
"""Numbers that are shuffled in memory. It decides what a seed draws, so it does not follow the memory that there is."""


class Buckets:
    """Numbers dealt out to buckets, in each in the order they came in.

    >>> buckets = Buckets(2, np.uint8, max_bytes=0)
    >>> buckets.append(np.array([5, 6, 7], np.uint8), np.array([1, 0, 1]))
    >>> [bucket.part(0, len(bucket)).tolist() for bucket in buckets.spools]
    [[6], [5, 7]]
    """

    def __init__(self, num_buckets: int, dtype: DTypeLike, *, max_bytes: int) -> None:
        self.spools = [Spool(dtype, max_bytes=max_bytes // num_buckets) for _ in range(num_buckets)]

    def append(self, numbers_P: NDArray[Any], bucket_P: I64) -> None:
        """Put each number into its bucket."""
        order_P = np.argsort(bucket_P, kind="stable")
        filled, starts = np.unique(bucket_P[order_P], return_index=True)
        for bucket, part in zip(filled.tolist(), np.split(numbers_P[order_P], starts[1:])):
            self.spools[bucket].append(part.copy())  # or one number that waits would hold all that came with it


def shuffled(blocks: Iterable[U64], count: int, random: np.random.Generator, *, max_bytes: int) -> Iterator[U64]:
    """Yield numbers in random order, some at a time; each order is as likely as any other.

    Up to `BUCKET` numbers are in the order of `random.permutation`, and no more is drawn than for that. Memory: 8 bytes
    for each number of a bucket, whatever the bound is.

    Args:
        blocks: the numbers.
        count: how many they are.
        random: drawn from.
        max_bytes: of what waits, held in memory.
    """
    buckets = Buckets(max(1, -(-count // BUCKET)), np.uint64, max_bytes=max_bytes)
    for block in blocks:
        buckets.append(block, random.integers(len(buckets.spools), size=len(block)))  # of one bucket nothing is drawn
    for spool in buckets.spools:
        numbers = spool.part(0, len(spool))
        random.shuffle(numbers)
        for start in range(0, len(numbers), BLOCK):
            yield numbers[start : start + BLOCK]
