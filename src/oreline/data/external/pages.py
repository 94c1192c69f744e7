"""Numbers of a file, read and written at any places by pages: a map would hold far more than is looked at.

Shape suffixes: P places, W numbers at a place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oreline.data.external.temporary import refusals, write_whole

PAGE_BYTES = 4096
_PLACES = 4096
"""Looked at together, so that their pages are some megabytes at most."""

I64 = NDArray[np.int64]


def read_at(file: int, places_P: I64, dtype: np.dtype[Any], width: int) -> NDArray[Any]:
    """Return the numbers at some places of a file, shape (P, W).

    Args:
        file: a descriptor.
        places_P: in any order, each less than what the file holds.
        dtype: of the numbers.
        width: numbers at a place, a power of two, so that a place lies within one page.
    """
    found = np.empty((len(places_P), width), dtype)
    for chosen, pages, at in _by_page(places_P, dtype.itemsize * width):
        found[chosen] = _read(file, pages, dtype, width)[at]
    return found


def write_at(file: int, places_P: I64, values_P: NDArray[Any]) -> None:
    """Write numbers at some places, none of which is named twice."""
    dtype = values_P.dtype
    for chosen, pages, at in _by_page(places_P, dtype.itemsize):
        held = _read(file, pages, dtype, 1)
        held[at, 0] = values_P[chosen]
        rows = held.reshape(len(pages), -1)
        with refusals():
            for page, row in zip(pages.tolist(), rows):
                write_whole(file, row.data.cast("B"), page * PAGE_BYTES)


def _by_page(places_P: I64, size: int) -> Iterator[tuple[I64, I64, I64]]:
    """Yield some of the places after one another in the file: which, their pages, and where they lie in those."""
    order = np.argsort(places_P, kind="stable")
    per_page = PAGE_BYTES // size
    for low in range(0, len(order), _PLACES):
        chosen = order[low : low + _PLACES]
        page_P, inside_P = np.divmod(places_P[chosen], per_page)
        pages, number_P = np.unique(page_P, return_inverse=True)
        yield chosen, pages, number_P * per_page + inside_P


def _read(file: int, pages: I64, dtype: np.dtype[Any], width: int) -> NDArray[Any]:
    held = np.zeros((len(pages), PAGE_BYTES), np.uint8)
    with refusals():
        for page, row in zip(pages.tolist(), held):
            os.preadv(file, [row.data], page * PAGE_BYTES)
    return held.reshape(-1).view(dtype).reshape(-1, width)
