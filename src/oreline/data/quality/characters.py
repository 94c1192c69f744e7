"""What each character is, looked up for whole frames at once, and hashes of any stretch of them.

Legend: C characters of a block.
"""

from __future__ import annotations

import functools
import unicodedata

import numpy as np
from numpy.typing import NDArray

SPACE, WORD, LETTER, TERMINAL, MARK, CLOSER = 1, 2, 4, 8, 16, 32
"""Bits: white space; part of a word (no mark, symbol or space); a letter; an end of a sentence or a quote after it; an
English sentence's mark; what closes after it."""

TERMINAL_MARKS = ".!?…。！？．｡؟।\"'”’」』"
"""Ends of sentences, English and Chinese, and the quotes that follow them (`char_flags` has them as TERMINAL)."""
_NUM_CODES = 0x110000
_NUM_LISTED = 0x20000
"""Code points up to here are asked for one by one; those above are Han, or rare."""
_BASE = 0x9E3779B97F4A7C15
_BASE_INVERSE = 0xF1DE83E19937733D
"""Times the base it is 1, modulo 2^64."""


@functools.cache
def char_flags() -> NDArray[np.uint8]:
    """Return the bits of every code point, shape (1,114,112,); 40 ms, once in a process."""
    flags = np.zeros(_NUM_CODES, np.uint8)
    for code in range(_NUM_LISTED):
        character = chr(code)
        kind = unicodedata.category(character)[0]
        if character.isspace():
            flags[code] = SPACE
        elif kind == "L":
            flags[code] = WORD | LETTER
        elif kind in "NM":
            flags[code] = WORD
    flags[0x20000:0x323B0] = WORD | LETTER
    flags[[ord(mark) for mark in TERMINAL_MARKS]] |= TERMINAL
    flags[[ord(mark) for mark in ".!?"]] |= MARK
    flags[[ord(mark) for mark in "\"'”’)]"]] |= CLOSER
    return flags


@functools.cache
def ascii_flags() -> bytes:
    """Return the bits of the first 256 code points, as `bytes.translate` takes them."""
    return char_flags()[:256].tobytes()


@functools.cache
def _mixed() -> NDArray[np.uint64]:
    """Return a number for every code point, the same for both cases of a letter."""
    codes = np.arange(_NUM_CODES, dtype=np.uint64)
    for code in range(0x2000):
        lowered = chr(code).lower()
        if len(lowered) == 1:
            codes[code] = ord(lowered)
    return mixed(codes + np.uint64(1))


def char_hashes(codes_C: NDArray[np.generic]) -> NDArray[np.uint64]:
    """Return a hash of each character, case folded."""
    found: NDArray[np.uint64] = _mixed()[codes_C]
    return found


def mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return numbers whose bits are spread (the finaliser of SplitMix64, Steele et al. 2014)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


class Hashes:
    """Hashes of any stretch of a block's characters, case folded: a polynomial modulo 2^64, by prefix sums.

    sum_j mixed(c_j) B^j over a stretch, times B^-start: equal stretches have equal hashes wherever they stand. Two
    different ones of a million have equal hashes with a probability below 1e-7, unless somebody made them so.
    """

    def __init__(self, codes_C: NDArray[np.integer]) -> None:
        self._inverse = _powers(_BASE_INVERSE, len(codes_C) + 1)
        self._sums = np.zeros(len(codes_C) + 1, np.uint64)
        # As whole numbers of 8 bytes, by which looking up takes a third of the time.
        terms_C = _mixed()[codes_C.astype(np.int64, copy=False)]
        np.multiply(terms_C, _powers(_BASE, len(codes_C)), out=terms_C)
        np.cumsum(terms_C, out=self._sums[1:])

    def of(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return the hash of each stretch."""
        return (self._sums[ends] - self._sums[starts]) * self._inverse[starts]


def word_hash(word: str) -> int:
    """Return the hash that `Hashes` gives a word wherever it stands.

    >>> word_hash("The") == word_hash("the") != word_hash("of")
    True
    """
    codes = np.array([ord(character) for character in word])
    return int(Hashes(codes).of(np.array([0]), np.array([len(codes)]))[0])


def _powers(base: int, count: int) -> NDArray[np.uint64]:
    powers = _kept_powers(base)
    return powers[:count] if count <= len(powers) else _first_powers(base, count)


@functools.cache
def _kept_powers(base: int) -> NDArray[np.uint64]:
    return _first_powers(base, 1 << 20)


def _first_powers(base: int, count: int) -> NDArray[np.uint64]:
    powers = np.full(count, base, np.uint64)
    powers[:1] = 1
    return np.cumprod(powers, dtype=np.uint64)
