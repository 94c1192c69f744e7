"""Near-duplicates: which texts share at least a given part of their word pairs (Chinese: character pairs).

A text is folded and cut into tokens: a word, or one character where writing does not separate words. Its
shingles are the pairs of neighbouring tokens; two texts are as similar as the Jaccard index of these sets. MinHash
with banding (Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4) finds candidates,
and every candidate is then compared exactly: no estimate is ever reported.

With 16 bands of 5 hashes a pair of similarity s becomes a candidate with probability 1 - (1 - s^5)^16:
0.998 at 0.8, 0.40 at 0.5, 0.04 at 0.3.

Shape suffixes: N texts, C characters, T tokens, M shingles, H hashes, B bands.
"""

from __future__ import annotations

import functools
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.fold import folded

THRESHOLD = 0.8
MAX_CHARACTERS = 4000
"""Longer texts are compared by their beginning."""
_NUM_BANDS, _BAND_HASHES = 16, 5
_PART_CHARACTERS = 1_000_000
"""Characters that are tokenised at a time."""
_GOLDEN = 0x9E3779B97F4A7C15
_MAX_PAIRS = 200_000
"""Candidates compared for one frame, at most: near-identical boilerplate must not make the search quadratic."""

U64 = NDArray[np.uint64]
_SEPARATOR, _WORD, _SINGLE = 0, 1, 2
_SINGLE_RANGES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
)


class Shingles(NamedTuple):
    """The shingles of each text, as hashes: text i has `values_M[starts_N[i]:starts_N[i + 1]]`."""

    values_M: U64
    starts_N: NDArray[np.int64]

    def of(self, text: int) -> U64:
        """Return one text's distinct shingles, sorted."""
        return np.unique(self.values_M[self.starts_N[text] : self.starts_N[text + 1]])


class Pair(NamedTuple):
    """A text that was asked about, a text of the index, and how similar they are."""

    text: int
    indexed: int
    similarity: float


class NearIndex:
    """An index over some texts that finds, for other texts, the similar ones among them.

    >>> index = NearIndex(pl.Series(["a fine film with a fine cast, truly", "something else"]))
    >>> [(pair.text, pair.indexed) for pair in index.matches(pl.Series(["A fine film with a fine cast truly!"]))]
    [(0, 0)]
    """

    def __init__(self, texts: pl.Series) -> None:
        self._shingles = shingles(texts)
        keys_NB = _band_keys(self._shingles)
        self._order_BN = np.argsort(keys_NB, axis=0, kind="stable").T
        self._sorted_BN = np.take_along_axis(keys_NB, self._order_BN.T, axis=0).T
        self.num_skipped = 0
        """Candidate pairs that were not compared, because there were too many."""

    def matches(
        self, texts: pl.Series, *, threshold: float = THRESHOLD, done: NDArray[np.bool_] | None = None
    ) -> list[Pair]:
        """Return the pairs at or above the threshold; texts of the index marked `done` are not looked for."""
        asked = shingles(texts)
        candidates = self._candidates(_band_keys(asked))
        if done is not None:
            candidates = candidates[~done[candidates[:, 1]]]
        self.num_skipped += max(0, len(candidates) - _MAX_PAIRS)
        found = []
        for text, indexed in candidates[:_MAX_PAIRS].tolist():
            similarity = jaccard(asked.of(text), self._shingles.of(indexed))
            if similarity >= threshold:
                found.append(Pair(text, indexed, similarity))
        return found

    def _candidates(self, keys_NB: U64) -> NDArray[np.int64]:
        """Return distinct (text, indexed) pairs that agree in a band, in order."""
        num_indexed = self._order_BN.shape[1]
        if num_indexed == 0:
            return np.zeros((0, 2), np.int64)
        pairs = [np.zeros(0, np.int64)]
        for band in range(_NUM_BANDS):
            known_N, keys_N = self._sorted_BN[band], keys_NB[:, band]
            low = np.searchsorted(known_N, keys_N, side="left")
            is_known = (known_N[np.minimum(low, len(known_N) - 1)] == keys_N) & (keys_N > 0)  # 0: no token
            texts, low = np.flatnonzero(is_known), low[is_known]
            counts = np.searchsorted(known_N, keys_N[is_known], side="right") - low
            texts = np.repeat(texts, counts)
            offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            pairs.append(texts * num_indexed + self._order_BN[band][np.repeat(low, counts) + offsets])
        return np.stack(np.divmod(np.unique(np.concatenate(pairs)), num_indexed), axis=1)


def jaccard(first: U64, second: U64) -> float:
    """Return |A ∩ B| / |A ∪ B| of two sorted sets; 0 when either is empty."""
    if not len(first) or not len(second):
        return 0.0
    common = len(np.intersect1d(first, second, assume_unique=True))
    return common / (len(first) + len(second) - common)


def shingles(texts: pl.Series) -> Shingles:
    """Return the pairs of neighbouring tokens of each text; a text of one token has that token.

    Worked out for some texts at a time: a character takes 30 bytes on the way, a shingle 8 in the end.
    """
    ends_N = texts.str.len_chars().clip(upper_bound=MAX_CHARACTERS).fill_null(0).cum_sum().to_numpy()
    part_N = ends_N // _PART_CHARACTERS
    edges = [0, *(np.flatnonzero(np.diff(part_N)) + 1).tolist(), len(texts)]
    parts = [_shingles(texts[low:high]) for low, high in pairwise(edges)]
    counts_N = np.concatenate([np.diff(part.starts_N) for part in parts])
    starts_N = np.concatenate([[0], np.cumsum(counts_N)]).astype(np.int64)
    return Shingles(np.concatenate([part.values_M for part in parts]), starts_N)


def _shingles(texts: pl.Series) -> Shingles:
    tokens_T, text_of_T = _tokens(texts)
    num_tokens_N = np.bincount(text_of_T, minlength=len(texts))
    is_first_T = np.ones(len(tokens_T), np.bool_)
    is_first_T[1:] = text_of_T[1:] != text_of_T[:-1]
    pairs_T = tokens_T.copy()
    pairs_T[1:] = _mixed(tokens_T[:-1] * np.uint64(_GOLDEN) + tokens_T[1:])
    is_shingle_T = ~is_first_T | (num_tokens_N[text_of_T] == 1)
    pairs_T[is_first_T] = tokens_T[is_first_T]
    counts_N = np.where(num_tokens_N > 1, num_tokens_N - 1, num_tokens_N)
    return Shingles(pairs_T[is_shingle_T], np.concatenate([[0], np.cumsum(counts_N)]).astype(np.int64))


def _tokens(texts: pl.Series) -> tuple[U64, NDArray[np.int64]]:
    """Return a hash of each token and the text it stands in."""
    plain = texts.to_frame("text").select(folded("text").str.head(MAX_CHARACTERS).fill_null("")).to_series()
    # One line end after each text, so that no word runs on into the next.
    codes_C = np.frombuffer("".join([f"{text}\n" for text in plain.to_list()]).encode("utf-32-le"), np.uint32)
    kinds_C = _kinds()[np.minimum(codes_C, 0x10000)]
    lengths_N = plain.str.len_chars().to_numpy().astype(np.int64) + 1
    is_word = kinds_C == _WORD
    starts = kinds_C == _SINGLE
    starts[0:1] |= is_word[0:1]
    starts[1:] |= is_word[1:] & ~is_word[:-1]
    starts_T = np.flatnonzero(starts)
    if not len(starts_T):
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    lengths_T = np.diff(starts_T, append=len(codes_C))
    offset_C = np.arange(len(codes_C), dtype=np.int32)
    offset_C[starts_T[0] :] -= np.repeat(starts_T.astype(np.int32), lengths_T)
    powers = np.cumprod(np.full(64, 0x100000001B3, np.uint64))
    terms_C = powers[offset_C & 63]
    terms_C *= codes_C + np.uint32(1)
    terms_C[kinds_C == _SEPARATOR] = 0
    ends_N = np.cumsum(lengths_N)
    return _mixed(np.add.reduceat(terms_C, starts_T)), np.searchsorted(ends_N, starts_T, side="right")


def _band_keys(sets: Shingles) -> U64:
    """Return the key of each band of each text's MinHash signature, shape (N, B); 0 for a text without shingles."""
    num_texts = len(sets.starts_N) - 1
    is_filled = np.diff(sets.starts_N) > 0
    keys_NB = np.zeros((num_texts, _NUM_BANDS), np.uint64)
    if not is_filled.any():
        return keys_NB
    starts = sets.starts_N[:-1][is_filled]
    factors, offsets = _permutations()
    hashes_M = np.empty_like(sets.values_M)
    for band in range(_NUM_BANDS):
        key = np.full(len(starts), band + 1, np.uint64)
        for hash_ in range(band * _BAND_HASHES, (band + 1) * _BAND_HASHES):
            np.multiply(sets.values_M, factors[hash_], out=hashes_M)
            hashes_M += offsets[hash_]
            key = _mixed(key * np.uint64(_GOLDEN) + np.minimum.reduceat(hashes_M, starts))
        keys_NB[is_filled, band] = np.maximum(key, 1)
    return keys_NB


def _mixed(values: U64) -> U64:
    """Spread every input bit over the output: the middle of SplitMix64 (Steele, Lea, Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return values ^ (values >> np.uint64(27))


@functools.cache
def _permutations() -> tuple[U64, U64]:
    random = np.random.default_rng(20_260_101)
    num_hashes = _NUM_BANDS * _BAND_HASHES
    factors = random.integers(1, 2**63, num_hashes, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return factors, random.integers(0, 2**63, num_hashes, dtype=np.uint64)


@functools.cache
def _kinds() -> NDArray[np.uint8]:
    """What each character is: part of a word, a token of its own (above U+FFFF: rare Han, emoji), or neither."""
    kinds = np.array([_WORD if chr(code).isalnum() else _SEPARATOR for code in range(0x10000)] + [_SINGLE], np.uint8)
    for low, high in _SINGLE_RANGES:
        kinds[low : high + 1] = _SINGLE
    return kinds
