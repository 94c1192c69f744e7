"""An n-gram model of texts in bounded memory: interpolated Kneser–Ney over hashed counts.

P_k(w | h) = max(c(hw) - D, 0) / c(h) + D N(h) / c(h) P_{k-1}(w | h'), with D = 0.75, N(h) the different w after h, h'
the history without its first unit; c counts occurrences for the longest n-grams and different units before them for
shorter ones; P_0 is even over the units that were seen and one more (Kneser and Ney 1995, Chen and Goodman 1999).
What hashes into the same cell counts as the same: the price of a fixed size.

Legend: U units (characters or words), N texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oreline.data.quality.characters import char_hashes, mixed
from oreline.data.quality.tokens import Tokens, blocks

DISCOUNT = 0.75
_FACTOR = 0x2545F4914F6CDD1D
_START = 0x1F83D9ABFB41BD6B
"""Stands before the first unit of a text."""


class Units(NamedTuple):
    """Texts as hashes of their units, with starts between them."""

    hash_U: NDArray[np.uint64]
    real: NDArray[np.int64]
    """Places of units that are no starts."""
    doc: NDArray[np.int64]
    """The text of each of these."""
    num_texts: int


def units_of(texts: Sequence[str], order: int, *, words: bool) -> Iterator[tuple[int, Units]]:
    """Yield units of texts in groups of bounded size, each with the number of its first text."""
    for start, group in blocks(texts):
        if words:
            tokens = Tokens(group, chinese=False)
            hashes, counts = tokens.token_hashes, tokens.num_tokens_N
        else:
            codes = np.frombuffer("".join(group).encode("utf-32-le", "surrogatepass"), np.uint32)
            hashes, counts = char_hashes(codes), np.fromiter(map(len, group), np.int64, len(group))
        doc = np.repeat(np.arange(len(group)), counts)
        real = np.arange(len(hashes)) + (doc + 1) * (order - 1)
        padded = np.full(len(hashes) + len(group) * (order - 1), _START, np.uint64)
        padded[real] = hashes
        yield start, Units(padded, real, doc, len(group))


class NgramModel:
    """Counts of n-grams up to an order, in 3 order - 2 tables of 2^bits cells of 4 bytes.

    Args:
        order: units of the longest n-gram.
        bits: cells of each table, as a power of two.
    """

    def __init__(self, order: int, bits: int) -> None:
        self.order = order
        self._shift = np.uint64(64 - bits)
        sizes = [1 << bits] * (order + 1)
        self._counts = [np.zeros(size, np.uint32) for size in sizes[1:]]
        self._totals = [np.zeros(size if k else 1, np.uint32) for k, size in enumerate(sizes[1:])]
        self._types = [np.zeros(size if k else 1, np.uint32) for k, size in enumerate(sizes[1:])]

    def add(self, units: Units) -> None:
        """Count the n-grams of some texts."""
        grams, histories = self._hashed(units)
        rows = np.arange(len(units.real))
        for k in reversed(range(self.order)):
            # Below the longest, an n-gram counts once for each new one that it ends.
            keys, first, counts = np.unique(grams[k][rows], return_index=True, return_counts=True)
            cells, before = self._cells(keys), histories[k][rows[first]]
            is_new = self._counts[k][cells] == 0
            np.add.at(self._counts[k], cells, counts.astype(np.uint32))
            np.add.at(self._totals[k], before, counts.astype(np.uint32))
            np.add.at(self._types[k], before[is_new], np.uint32(1))
            rows = rows[first[is_new]]

    def costs(self, units: Units, *, left_out: bool) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return each text's summed -ln P of its units, and how many those are, both (N,).

        Args:
            units: texts.
            left_out: whether the model counted these texts: each n-gram is then judged without one occurrence.
        """
        grams, histories = self._hashed(units)
        counts = [self._counts[k][self._cells(gram)] for k, gram in enumerate(grams)]
        loses: list[NDArray[np.bool_]] = [np.full(len(units.real), left_out)]
        for count in reversed(counts):  # an n-gram that occurs nowhere else is missing from the shorter ones too
            loses.insert(0, loses[0] & (count == 1))
        p_U = np.full(len(units.real), 1.0 / (float(self._types[0][0]) + 1.0))
        for k, count in enumerate(counts):
            totals = self._totals[k][histories[k]].astype(np.float64) - loses[k + 1]
            types = self._types[k][histories[k]].astype(np.float64) - loses[k]
            seen = np.maximum(count - loses[k + 1].astype(np.float64) - DISCOUNT, 0.0)
            p_U = np.where(totals > 0, (seen + DISCOUNT * types * p_U) / np.maximum(totals, 1.0), p_U)
        nats_U = -np.log(np.clip(p_U, 1e-12, 1.0))
        return (
            np.asarray(np.bincount(units.doc, weights=nats_U, minlength=units.num_texts), np.float64),
            np.bincount(units.doc, minlength=units.num_texts).astype(np.int64),
        )

    def _hashed(self, units: Units) -> tuple[list[NDArray[np.uint64]], list[NDArray[np.int64]]]:
        """Return, for each order, the hashes of the n-grams that end at each unit, and the cells of their histories."""
        grams, histories = [], []
        gram_U = np.zeros(len(units.hash_U), np.uint64)
        for k in range(self.order):
            histories.append(self._cells(gram_U[units.real - 1]) if k else np.zeros(len(units.real), np.int64))
            before_U = np.concatenate([gram_U[:1], gram_U[:-1]])
            gram_U = mixed(before_U * _FACTOR + units.hash_U + np.uint64(k)) if k else mixed(units.hash_U)
            grams.append(gram_U[units.real])
        return grams, histories

    def _cells(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        return (keys >> self._shift).astype(np.int64)
