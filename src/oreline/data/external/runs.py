"""Runs of equal numbers in blocks of rising ones: a run may go on in the next block.

Shape suffixes: P places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oreline.data.external.sorting import U64

Block = tuple[NDArray[Any], NDArray[Any]]
"""Numbers in rising order, and a value of each, shape (P,) both."""


def reduced(blocks: Iterable[Block], by: np.ufunc) -> Iterator[Block]:
    """Yield each number once, with what the values of its run come to.

    Args:
        blocks: of a run, one may hold the beginning and the next ones the rest.
        by: joins values: `np.add`, `np.minimum`.

    >>> blocks = [(np.array([1, 1]), np.array([5, 2])), (np.array([1, 3]), np.array([4, 9]))]
    >>> [tuple(part.tolist() for part in found) for found in reduced(blocks, np.minimum)]
    [([1], [2]), ([3], [9])]
    """
    begun: Block | None = None
    for block in blocks:
        numbers_P, values_P = block if begun is None else _joined(begun, block)
        if not len(numbers_P):
            continue
        starts = np.flatnonzero(np.append(True, numbers_P[1:] != numbers_P[:-1]))
        found, values = numbers_P[starts], by.reduceat(values_P, starts)
        if len(found) > 1:
            yield found[:-1], values[:-1]
        begun = found[-1:], values[-1:]
    if begun is not None:
        yield begun


def counted(blocks: Iterable[NDArray[Any]]) -> Iterator[Block]:
    """Yield each of rising numbers once, and how often it occurs.

    >>> [tuple(part.tolist() for part in found) for found in counted([np.array([1, 1, 3]), np.array([3])])]
    [([1], [2]), ([3], [2])]
    """
    return reduced(((block, np.ones(len(block), np.int64)) for block in blocks), np.add)


def whole(blocks: Iterable[tuple[U64, NDArray[Any]]]) -> Iterator[tuple[U64, NDArray[Any]]]:
    """Yield blocks of `coded` numbers that end where the first of the two numbers changes.

    What has the same first number must fit into memory.

    >>> from oreline.data.external.sorting import coded
    >>> codes = coded(np.array([4, 5, 5]), np.array([0, 0, 1]))
    >>> [values.tolist() for _, values in whole([(codes[:2], np.array([7, 8])), (codes[2:], np.array([9]))])]
    [[7], [8, 9]]
    """
    begun: tuple[U64, NDArray[Any]] | None = None
    for block in blocks:
        codes_P, values_P = block if begun is None else _joined(begun, block)
        if not len(codes_P):
            continue
        firsts_P = codes_P >> np.uint64(32)
        end = int(np.searchsorted(firsts_P, firsts_P[-1]))
        if end:
            yield codes_P[:end], values_P[:end]
        begun = codes_P[end:], values_P[end:]
    if begun is not None:
        yield begun


def _joined(first: Block, second: Block) -> Block:
    return np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])
