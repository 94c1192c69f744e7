"""Near-duplicates: which texts share at least a given part of their shingles (see `oreline.data.duplicates.shingles`).

MinHash with banding finds candidates, and every candidate is then compared exactly: no estimate is ever reported.

Shape suffixes: N texts, E sets, B bands, P pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from oreline.data.duplicates.minhash import band_keys, bands
from oreline.data.duplicates.shingles import U32, Sets, shingle_sets, similarities
from oreline.data.duplicates.tokens import I64, U64, Tokens, mixed, tokens
from oreline.data.fold import changed_where, joined
from oreline.dialogue import transcript

THRESHOLD = 0.8
SKETCH = ("digest", "num_tokens", "size", "keys", "count", "shingles")
"""Columns of a sketch that another process hands over."""
MAX_CHARACTERS = 20_000
"""An index compares longer texts by their beginning: it is held in memory."""
_MAX_PAIRS = 200_000
"""Candidates compared for one frame, at most: near-identical boilerplate must not make the search quadratic."""


Number = TypeVar("Number", bound=np.generic)


class Sketch(NamedTuple):
    """What of some texts is needed to find the near-duplicates among them."""

    sets: Sets
    keys_EB: U32
    digest_N: U64
    """Equal where all tokens are equal, and 0 for a text without tokens."""
    counts_N: I64
    """Tokens of each text."""


class Pair(NamedTuple):
    """A text that was asked about, a text of the index, and how similar they are."""

    text: int
    indexed: int
    similarity: float


def compared(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """Return what of each row is compared: its texts in lines of their own; of a dialogue, what is said."""
    texts = frame.select(joined(columns)).to_series()
    return changed_where(texts, texts.str.starts_with("["), lambda some: some.map_elements(_said, pl.String))


def sketch(texts: pl.Series, *, threshold: float = THRESHOLD, size: int | None = None) -> Sketch:
    """Return the sketch of each text: the same whatever other texts it is worked out with.

    Args:
        texts: they are folded first; nulls have no tokens.
        threshold: Jaccard index from which on texts count as near; sketches of one threshold can be compared.
        size: tokens in a shingle; by the length of the text when not given.
    """
    found = tokens(texts)
    sets = shingle_sets(found, near=threshold, size=size)
    return Sketch(sets, band_keys(sets, *bands(threshold)), digests(found), found.counts_N)


class NearIndex:
    """An index over some texts that finds, for other texts, the similar ones among them.

    >>> index = NearIndex(pl.Series(["a fine film with a fine cast, truly", "something else"]))
    >>> [(pair.text, pair.indexed) for pair in index.matches(pl.Series(["A fine film with a fine cast truly!"]))]
    [(0, 0)]
    """

    def __init__(self, texts: pl.Series, *, threshold: float = THRESHOLD) -> None:
        self._hold(sketch(texts.str.head(MAX_CHARACTERS), threshold=threshold), threshold)

    @classmethod
    def of(cls, sketches: Sequence[Sketch], *, threshold: float = THRESHOLD) -> NearIndex:
        """Return an index over texts by their sketches, of this threshold and in the order of the texts."""
        index = cls.__new__(cls)
        index._hold(stacked(sketches, bands(threshold)[0]), threshold)
        return index

    def _hold(self, known: Sketch, threshold: float) -> None:
        self._threshold = threshold
        self._sets, keys_EB = known.sets, known.keys_EB
        self._order_BE = np.argsort(keys_EB, axis=0, kind="stable").T.astype(np.int32)
        self._sorted_BE = np.take_along_axis(keys_EB, self._order_BE.T, axis=0).T.copy()
        self.num_skipped = 0
        """Candidate pairs that were not compared, because there were too many."""

    def matches(self, texts: pl.Series) -> list[Pair]:
        """Return the pairs at or above the threshold, in order."""
        return self.pairs(sketch(texts.str.head(MAX_CHARACTERS), threshold=self._threshold))

    def pairs(self, asked: Sketch) -> list[Pair]:
        """Return the pairs at or above the threshold, in order, of texts by their sketch."""
        first_P, second_P = self._candidates(asked.keys_EB)
        self.num_skipped += max(0, len(first_P) - _MAX_PAIRS)
        first_P, second_P = first_P[:_MAX_PAIRS], second_P[:_MAX_PAIRS]
        similarity_P = similarities(asked.sets, first_P, self._sets, second_P)
        best: dict[tuple[int, int], float] = {}
        for number in np.flatnonzero(similarity_P >= self._threshold).tolist():
            pair = int(asked.sets.text_E[first_P[number]]), int(self._sets.text_E[second_P[number]])
            best[pair] = max(best.get(pair, 0.0), float(similarity_P[number]))
        return [Pair(*pair, similarity) for pair, similarity in sorted(best.items())]

    def _candidates(self, keys_EB: U32) -> tuple[I64, I64]:
        """Return distinct pairs of a set that was asked about and one of the index that agree in a band, in order."""
        num_indexed = self._order_BE.shape[1]
        pairs = [np.zeros(0, np.int64)]
        for band in range(keys_EB.shape[1] if num_indexed else 0):
            known_E, keys_E = self._sorted_BE[band], keys_EB[:, band]
            low = np.searchsorted(known_E, keys_E, side="left")
            counts = np.searchsorted(known_E, keys_E, side="right") - low
            ends = np.cumsum(counts)
            places = np.arange(counts.sum()) + np.repeat(low - ends + counts, counts)
            sets = np.repeat(np.arange(len(keys_E)), counts)
            pairs.append(sets * num_indexed + self._order_BE[band][places])
        first_P, second_P = np.divmod(np.unique(np.concatenate(pairs)), max(num_indexed, 1))
        return first_P, second_P


def stacked(sketches: Sequence[Sketch], num_bands: int) -> Sketch:
    """Return the sketches of texts as one, in their order."""
    nothing = np.zeros(0, np.int64)
    firsts = np.cumsum([0, *(len(part.digest_N) for part in sketches)])
    counts_E = np.concatenate([nothing, *(part.sets.counts_E for part in sketches)])
    sets = Sets(
        np.concatenate([nothing, *(part.sets.text_E + first for part, first in zip(sketches, firsts))]),
        np.concatenate([nothing.astype(np.uint8), *(part.sets.size_E for part in sketches)]),
        np.concatenate([nothing.astype(np.uint32), *(part.sets.values_M for part in sketches)]),
        np.concatenate([[0], np.cumsum(counts_E)]).astype(np.int64),
    )
    return Sketch(
        sets,
        np.concatenate([np.zeros((0, num_bands), np.uint32), *(part.keys_EB for part in sketches)]),
        np.concatenate([nothing.astype(np.uint64), *(part.digest_N for part in sketches)]),
        np.concatenate([nothing, *(part.counts_N for part in sketches)]),
    )


def to_frame(found: Sketch, num_rows: int) -> pl.DataFrame:
    """Return a sketch as columns, one row for each text: what another process can hand over."""
    columns: dict[str, pl.Series] = {
        "digest": pl.Series(found.digest_N),
        "num_tokens": pl.Series(found.counts_N),
    }
    order_E = np.argsort(found.sets.text_E, kind="stable")
    per_text = np.bincount(found.sets.text_E, minlength=num_rows)
    offsets = np.concatenate([[0], np.cumsum(per_text)])
    sizes = found.sets.counts_E[order_E]
    ends = np.cumsum(sizes)
    places = np.arange(ends[-1] if len(ends) else 0) + np.repeat(found.sets.starts_E[order_E] - ends + sizes, sizes)
    starts = np.concatenate([[0], ends])
    columns["size"] = _lists(offsets, found.sets.size_E[order_E])
    columns["keys"] = _lists(offsets * found.keys_EB.shape[1], found.keys_EB[order_E].reshape(-1))
    columns["count"] = _lists(offsets, sizes)
    columns["shingles"] = _lists(starts[offsets], found.sets.values_M[places])
    return pl.DataFrame(columns)


def from_frame(frame: pl.DataFrame, num_bands: int) -> Sketch:
    """Return the sketch that columns hold."""
    per_text = frame["size"].list.len().to_numpy()
    counts = _flat(frame["count"], np.int64)
    sets = Sets(
        np.repeat(np.arange(frame.height), per_text),
        _flat(frame["size"], np.uint8),
        _flat(frame["shingles"], np.uint32),
        np.concatenate([[0], np.cumsum(counts)]),
    )
    keys_EB = _flat(frame["keys"], np.uint32).reshape(-1, num_bands)
    return Sketch(sets, keys_EB, frame["digest"].to_numpy(), frame["num_tokens"].to_numpy())


def _lists(offsets: I64, values: NDArray[np.generic]) -> pl.Series:
    return pl.Series(pa.LargeListArray.from_arrays(_arrow(offsets), _arrow(values)))


def _arrow(values: NDArray[np.generic]) -> pa.Array:
    """Return numbers as an Arrow array; `pa.array` would import pandas, which takes a second in every process."""
    dtype = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(dtype, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def _flat(lists: pl.Series, dtype: type[Number]) -> NDArray[Number]:
    return lists.explode().drop_nulls().to_numpy().astype(dtype, copy=False)


def digests(found: Tokens) -> U64:
    """Return a number for each text that is equal where all tokens are equal, and 0 for a text without tokens."""
    counts_N, starts_N = found.counts_N, found.starts_N[:-1]
    place_T = np.arange(len(found.hashes_T)) - np.repeat(starts_N, counts_N)
    terms_T = mixed(found.hashes_T + place_T.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    digest_N = np.zeros(len(counts_N), np.uint64)
    is_filled = counts_N > 0
    if is_filled.any():
        digest_N[is_filled] = np.maximum(np.add.reduceat(terms_T, starts_N[is_filled]), np.uint64(1))
    return digest_N


def _said(text: str) -> str:
    try:
        return transcript(text)
    except ValueError:  # a broken dialogue is compared as it is
        return text
