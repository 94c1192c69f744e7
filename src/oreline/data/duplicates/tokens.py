"""Texts as hashed tokens: a word, or one character where writing does not separate words.

A token's hash depends on its folded characters alone, so that it is the same in every frame and on every machine.

Shape suffixes: N texts, C characters, T tokens.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.fold import changed_where, is_foreign

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]

_PART = 1 << 16
"""Characters that are looked at in one step: what is worked out on the way then stays in the processor's cache."""
_SINGLE = 1 << 31
"""Bit of a value that is a token of its own."""
_CHANGED_BY_NFKC = "[^\\x00-\\x7f\u4e00-\u9fff\u3000-\u3029\uff01-\uff0f\uff1a-\uff20\u2010-\u2027]"
"""What normalising might change: neither ASCII and common Han, nor marks that separate words before it and after."""
_SINGLE_RANGES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
)
_FACTOR = 0x9E3779B97F4A7C15
"""Odd, so that it has an inverse modulo 2^64."""


class Tokens(NamedTuple):
    """The tokens of some texts: text i has `hashes_T[starts_N[i]:starts_N[i + 1]]`."""

    hashes_T: U64
    starts_N: I64
    """One more than there are texts."""
    num_single_N: I64
    """How many tokens of each text are characters of a writing without spaces."""

    @property
    def counts_N(self) -> I64:  # noqa: N802  the suffix is its shape
        """Tokens of each text."""
        return np.diff(self.starts_N)


def tokens(texts: pl.Series) -> Tokens:
    """Return the tokens of each text; case, width, white space and punctuation do not count, a null has none.

    >>> found = tokens(pl.Series(["A fine film!", "a FINE film", "好电影", None]))
    >>> found.counts_N.tolist(), found.num_single_N.tolist()
    ([3, 3, 3, 0], [0, 0, 3, 0])
    >>> bool((found.hashes_T[:3] == found.hashes_T[3:6]).all())
    True
    """
    filled = texts.fill_null("")
    foreign = is_foreign(filled)
    if not foreign.any():
        return _cut(*_ascii_values(filled))
    if foreign.all():
        return _cut(*_wide_values(filled))
    plain, other = _cut(*_ascii_values(filled.filter(~foreign))), _cut(*_wide_values(filled.filter(foreign)))
    return _interleaved(plain, other, foreign.to_numpy())


def mixed(values: U64) -> U64:
    """Spread every input bit over the output: the middle of SplitMix64 (Steele, Lea, Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return values ^ (values >> np.uint64(27))


def _utf8(texts: pl.Series) -> tuple[NDArray[np.uint8], I64]:
    """Return the bytes of all texts one after the other, and where each begins."""
    array = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    _, offsets, data = array.buffers()
    starts_N = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    bytes_C = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return bytes_C[starts_N[0] : starts_N[-1]], starts_N - starts_N[0]


def _ascii_values(texts: pl.Series) -> tuple[NDArray[np.uint8], I64]:
    """Return the value of each character of plain texts, and where each text begins."""
    bytes_C, starts_N = _utf8(texts)
    return np.frombuffer(bytes_C.tobytes().translate(_ascii_table()), np.uint8), starts_N


def _wide_values(texts: pl.Series) -> tuple[NDArray[np.uint32], I64]:
    """Return the value of each character of any texts, and where each text begins."""
    plain = changed_where(texts, texts.str.contains(_CHANGED_BY_NFKC), lambda some: some.str.normalize("NFKC"))
    bytes_C, _ = _utf8(plain)
    codes_C = np.frombuffer(bytes_C.tobytes().decode().encode("utf-32-le"), np.uint32)
    values_C = _table().take(np.minimum(codes_C, 0x10000))
    beyond = np.flatnonzero(codes_C > 0xFFFF)
    values_C[beyond] |= codes_C[beyond]
    lengths_N = plain.str.len_chars().to_numpy().astype(np.int64)
    return values_C, np.concatenate([[0], np.cumsum(lengths_N)])


def _cut(values_C: NDArray[np.uint8] | NDArray[np.uint32], starts_N: I64) -> Tokens:
    """Cut characters into tokens, some texts at a time."""
    hashes, places, singles = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)], [np.zeros(0, np.bool_)]
    low = 0
    while low < len(values_C):
        high = _end(values_C, starts_N, low)
        begins = starts_N[np.searchsorted(starts_N, low) : np.searchsorted(starts_N, high)] - low
        hashes_T, places_T, is_single_T = _part(values_C[low:high], begins)
        hashes.append(hashes_T)
        places.append(places_T + low)
        singles.append(is_single_T)
        low = high
    token_starts_N = np.searchsorted(np.concatenate(places), starts_N)
    num_single_T = np.concatenate([[0], np.cumsum(np.concatenate(singles))])
    return Tokens(np.concatenate(hashes), token_starts_N, np.diff(num_single_T[token_starts_N]))


def _end(values_C: NDArray[np.uint8] | NDArray[np.uint32], starts_N: I64, low: int) -> int:
    """Return where the step that begins at `low` ends: at the end of a text, or else between two tokens."""
    high = low + _PART
    if high >= len(values_C):
        return len(values_C)
    end = int(starts_N[np.searchsorted(starts_N, high, side="right") - 1])
    if end > low:
        return end
    values_P = values_C[low:high]
    gaps = np.flatnonzero((values_P == 0) | (values_P >= _SINGLE))
    return low + int(gaps[-1]) + 1 if len(gaps) else high  # a word of 65,536 letters is none


def _part(values_C: NDArray[np.uint8] | NDArray[np.uint32], begins: I64) -> tuple[U64, I64, NDArray[np.bool_]]:
    """Return hash and place of each token, and whether it is a character of its own.

    The hash is the sum of value * factor^place over the token, times factor^-start: the same wherever it stands.
    """
    is_single = values_C >= _SINGLE if values_C.dtype == np.uint32 else np.zeros(len(values_C), np.bool_)
    is_word = (values_C > 0) & ~is_single
    is_first = is_word.copy()
    is_first[1:] &= ~is_word[:-1]
    is_first[begins] = is_word[begins]
    is_first |= is_single
    places_T = np.flatnonzero(is_first)
    if not len(places_T):
        return np.zeros(0, np.uint64), places_T, np.zeros(0, np.bool_)
    powers, inverses = _powers()
    terms_C = powers[: len(values_C)] * values_C
    return mixed(np.add.reduceat(terms_C, places_T) * inverses[places_T]), places_T, is_single[places_T]


def _interleaved(plain: Tokens, foreign: Tokens, is_foreign_N: NDArray[np.bool_]) -> Tokens:
    """Put the tokens of two sets of texts into the order of the texts."""
    counts_N = np.empty(len(is_foreign_N), np.int64)
    singles_N = np.empty_like(counts_N)
    for part, chosen_N in ((plain, ~is_foreign_N), (foreign, is_foreign_N)):
        counts_N[chosen_N] = part.counts_N
        singles_N[chosen_N] = part.num_single_N
    is_foreign_T = np.repeat(is_foreign_N, counts_N)
    hashes_T = np.empty(len(is_foreign_T), np.uint64)
    hashes_T[~is_foreign_T] = plain.hashes_T
    hashes_T[is_foreign_T] = foreign.hashes_T
    return Tokens(hashes_T, np.concatenate([[0], np.cumsum(counts_N)]), singles_N)


@functools.cache
def _ascii_table() -> bytes:
    """The value of each ASCII character: the lower-case letter or digit; 0 for what separates words."""
    return bytes(ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else 0 for code in range(256))


@functools.cache
def _table() -> NDArray[np.uint32]:
    """The value of each character up to U+FFFF: its lower-case form, 0 for what separates words, marked if a token.

    The last entry stands for all others (rare Han, emoji), each a token of its own.
    """
    lowered = [chr(code).lower() for code in range(0x10000)]
    values = [ord(form[0]) if chr(code).isalnum() else 0 for code, form in enumerate(lowered)]
    table = np.array([*values, _SINGLE], np.uint32)
    for low, high in _SINGLE_RANGES:
        table[low : high + 1] = np.arange(low, high + 1, dtype=np.uint32) | _SINGLE
    return table


@functools.cache
def _powers() -> tuple[U64, U64]:
    """Return the powers of the factor and of its inverse, for every place of a step."""
    powers = np.full((2, _PART), [[_FACTOR], [pow(_FACTOR, -1, 1 << 64)]], np.uint64)
    powers[:, 0] = 1
    powers_2P = np.cumprod(powers, axis=1, dtype=np.uint64)
    return powers_2P[0], powers_2P[1]
