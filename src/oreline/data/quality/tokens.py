"""Words, lines and paragraphs of many texts at once, as places in one long array of characters.

Legend: N texts, C characters of a block, T tokens, L lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oreline.data.quality.characters import LETTER, SPACE, WORD, Hashes, ascii_flags, char_flags
from oreline.data.texts.segmenter import word_lengths

BLOCK_CHARACTERS = 1 << 17
"""Texts are taken together up to this many characters: what is computed of them stays in the processor's cache."""
MAX_CHARACTERS = 2_000_000
"""A longer text is measured by its first characters: 400,000 words, which no rule lets pass for a document."""
_NEWLINE = 10
_MAX_STEPS = 8
"""Marks around a word that are passed one by one; beyond, the next part of a word is searched for."""
_DOC_FACTOR = 0xD6E8FEB86659FD93


class Tokens:
    """The tokens of some texts: stretches without white space in English, the words of jieba in Chinese."""

    def __init__(self, texts: Sequence[str], *, chinese: bool) -> None:
        self.texts = texts
        self.codes_C, self.flags_C = _characters("\n".join(texts))
        self.num_chars_N = np.fromiter(map(len, texts), np.int64, len(texts))
        self.start_N = np.zeros(len(texts), np.int64)
        np.cumsum(self.num_chars_N[:-1] + 1, out=self.start_N[1:])
        if chinese:
            starts, ends = self._segmented(texts)
        else:
            is_space = np.ones(len(self.flags_C) + 2, np.uint8)
            np.bitwise_and(self.flags_C, SPACE, out=is_space[1:-1])
            edges = np.flatnonzero(is_space[1:] != is_space[:-1])
            starts, ends = edges[::2], edges[1::2]
        self.start_T, self.end_T = starts, ends
        bounds = np.append(np.searchsorted(starts, self.start_N), len(starts))
        self.num_tokens_N = np.diff(bounds)
        self.doc_T = np.repeat(np.arange(len(texts)), self.num_tokens_N)

    def _segmented(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        between = np.ones(1, np.int32)
        parts = [part for text in texts for part in (word_lengths(text), between)]
        ends = np.cumsum(np.concatenate(parts)) if parts else np.zeros(0, np.int64)
        starts = np.append(np.zeros(1, np.int64), ends[:-1])[: len(ends)]
        starts, ends = starts[:-1], ends[:-1]  # after the last text nothing stands between
        is_word = (self.flags_C[starts] & SPACE) == 0
        return starts[is_word], ends[is_word]

    @property
    def num_texts(self) -> int:
        """Return N."""
        return len(self.num_chars_N)

    @cached_property
    def hashes(self) -> Hashes:
        """Hashes of stretches of characters."""
        return Hashes(self.codes_C)

    @cached_property
    def token_hashes(self) -> NDArray[np.uint64]:
        """The hash of each token, case folded."""
        return self.hashes.of(self.start_T, self.end_T)

    @cached_property
    def have_letter(self) -> NDArray[np.bool_]:
        """Whether a letter is among a token's characters."""
        return self._have(LETTER)

    @cached_property
    def _first_flags(self) -> NDArray[np.uint8]:
        return self.flags_C[self.start_T]

    def _have(self, bit: int) -> NDArray[np.bool_]:
        """Return which tokens have a character with a bit. Of nearly all it is the first; the others are stepped on."""
        found: NDArray[np.bool_] = (self._first_flags & bit) != 0
        waiting = np.flatnonzero(~found)
        places = self.start_T[waiting]
        for _ in range(_MAX_STEPS):
            places = places + 1
            inside = places < self.end_T[waiting]
            waiting, places = waiting[inside], places[inside]
            if not len(waiting):
                return found
            hits = (self.flags_C[places] & bit) != 0
            found[waiting[hits]] = True
            waiting, places = waiting[~hits], places[~hits]
        with_bit = np.append(np.flatnonzero(self.flags_C & bit), len(self.flags_C))
        found[waiting] = with_bit[np.searchsorted(with_bit, places)] < self.end_T[waiting]
        return found

    @cached_property
    def core(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The tokens that are words (not marks alone): their numbers, and their starts and ends without outer marks."""
        words = np.flatnonzero(self._have(WORD))
        first, last = self.start_T[words], self.end_T[words] - 1
        return words, _moved(first, 1, self.flags_C), _moved(last, -1, self.flags_C) + 1

    @cached_property
    def core_hashes(self) -> NDArray[np.uint64]:
        """The hash of each word of `core`, case folded; most have no outer marks and are their tokens."""
        words, start, end = self.core
        hashes = self.token_hashes[words]
        other = np.flatnonzero((start != self.start_T[words]) | (end != self.end_T[words]))
        hashes[other] = self.hashes.of(start[other], end[other])
        return hashes

    def places_of(self, mark: str) -> NDArray[np.int64]:
        """Return the places of a character."""
        is_such = self.codes_C == ord(mark)
        return np.flatnonzero(is_such) if is_such.any() else np.zeros(0, np.int64)

    @cached_property
    def lines(self) -> Stretches:
        """Lines with more than white space, without white space around them."""
        return self._stretches(1)

    @cached_property
    def paragraphs(self) -> Stretches:
        """Lines that no empty line divides, together."""
        return self._stretches(2)

    def repeated(self, stretches: Stretches) -> NDArray[np.bool_]:
        """Return which lines or paragraphs their text had before."""
        keys = in_document(self.hashes.of(stretches.start_L, stretches.end_L), stretches.doc_L)
        order = np.argsort(keys, kind="stable")
        found = np.zeros(len(keys), np.bool_)
        found[order[1:]] = keys[order[1:]] == keys[order[:-1]]
        return found

    @cached_property
    def num_newlines(self) -> NDArray[np.int64]:
        """Line ends of each text."""
        bounds = np.searchsorted(self._newlines, np.append(self.start_N, len(self.codes_C) + 1))
        inner = np.diff(bounds)
        inner[:-1] -= 1  # between two texts stands a line end of neither
        return inner

    @cached_property
    def _newlines(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.codes_C == _NEWLINE)

    def _stretches(self, fewest_newlines: int) -> Stretches:
        breaks_T = np.bincount(np.searchsorted(self.start_T, self._newlines), minlength=len(self.start_T) + 1)[:-1]
        is_first = breaks_T >= fewest_newlines
        is_first[1:] |= np.diff(self.doc_T) > 0
        is_first[:1] = True
        first = np.flatnonzero(is_first)
        last = np.append(first[1:], len(self.start_T))[: len(first)] - 1
        return Stretches(self, first, last)


def _characters(text: str) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Return the code and the bits of each character; ASCII takes a byte for each, which is eight times faster."""
    if text.isascii():
        plain = text.encode()
        return np.frombuffer(plain, np.uint8), np.frombuffer(plain.translate(ascii_flags()), np.uint8)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
    return codes, char_flags()[codes]


class Stretches:
    """Lines or paragraphs by their first and last tokens: where they start and end, and whose they are.

    They do not hold the tokens, which hold them: the arrays would stay until the garbage collector finds the cycle.
    """

    def __init__(self, tokens: Tokens, first_L: NDArray[np.int64], last_L: NDArray[np.int64]) -> None:
        self.start_L, self.end_L = tokens.start_T[first_L], tokens.end_T[last_L]
        self.doc_L = tokens.doc_T[first_L]
        self.num_tokens_L = last_L - first_L + 1


def in_document(hashes: NDArray[np.uint64], docs: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return hashes that are equal only within one text."""
    return hashes + docs.astype(np.uint64) * _DOC_FACTOR


def blocks(texts: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield texts in groups of bounded size, each with the number of its first."""
    group: list[str] = []
    start = size = 0
    for number, text in enumerate(texts):
        if group and size + len(text) > BLOCK_CHARACTERS:
            yield start, group
            start, size, group = number, 0, []
        group.append(text[:MAX_CHARACTERS])
        size += len(group[-1])
    if group:
        yield start, group


def _moved(places: NDArray[np.int64], step: int, flags: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return places moved by steps to the next character that is part of a word; there is one for each."""
    places = places.copy()
    wrong = np.flatnonzero((flags[places] & WORD) == 0)
    for _ in range(_MAX_STEPS):
        places[wrong] += step
        wrong = wrong[(flags[places[wrong]] & WORD) == 0]
    if len(wrong):
        parts = np.flatnonzero(flags & WORD)
        after = np.searchsorted(parts, places[wrong])
        places[wrong] = parts[after if step > 0 else after - 1]
    return places
