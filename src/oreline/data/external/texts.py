"""Texts by their places, however many they are."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from oreline.data.external.spool import Spool

I64 = NDArray[np.int64]


class Texts:
    """Takes texts, none of them null, and gives those at some places; beyond a bound they lie on disk.

    Args:
        max_bytes: what they may take in memory.

    >>> texts = Texts(max_bytes=0)
    >>> texts.append(pl.Series(["one", "", "三"]))
    >>> texts.at(np.array([2, 0])).to_list()
    ['三', 'one']
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._ends = Spool(np.int64, max_bytes=max_bytes // 2)
        self._letters = Spool(np.uint8, max_bytes=max_bytes // 2)
        self._ends.append(np.zeros(1, np.int64))

    def append(self, texts: pl.Series) -> None:
        """Add texts. Raises `ResourceError` for a full disk."""
        ends, letters = _parts(texts)
        self._ends.append(ends + len(self._letters))
        self._letters.append(letters)

    def at(self, places_P: I64) -> pl.Series:
        """Return the texts at some places, in any order."""
        starts_P = self._ends.at(places_P)
        counts_P = self._ends.at(places_P + 1) - starts_P
        letters = self._letters.runs(starts_P, counts_P)
        offsets = np.concatenate([[0], np.cumsum(counts_P)]).astype(np.int64)
        texts = pa.LargeStringArray.from_buffers(len(places_P), pa.py_buffer(offsets), pa.py_buffer(letters))
        return pl.Series(texts, dtype=pl.String)


def _parts(texts: pl.Series) -> tuple[I64, NDArray[np.uint8]]:
    """Return where each text ends, and the bytes of all."""
    lengths = texts.str.len_bytes().to_numpy().astype(np.int64)
    return np.cumsum(lengths), np.frombuffer("".join(texts.to_list()).encode(), np.uint8)
