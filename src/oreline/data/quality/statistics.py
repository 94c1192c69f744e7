"""The statistics of texts that quality rules are about, each with what it means.

Legend: N texts, T tokens, L lines. Shares and ratios of nothing are 0.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.fold import is_foreign
from oreline.data.quality.c4 import HAN, LOREM_IPSUM, TELLING, LineRules
from oreline.data.quality.characters import TERMINAL, word_hash
from oreline.data.quality.languages import CHINESE, ENGLISH
from oreline.data.quality.repetition import repetition
from oreline.data.quality.sentences import num_sentences
from oreline.data.quality.tokens import Tokens, blocks

STOP_WORDS: dict[str, tuple[str, ...]] = {
    ENGLISH: ("the", "be", "to", "of", "and", "that", "have", "with"),
    CHINESE: tuple("的年在月是和日了於·為有被人中为他與後也而由"),
}
"""Gopher's eight (Rae et al. 2021, A1.1); FineWeb-2's for `cmn_Hani` (Penedo et al. 2025), both scripts."""
SHORT_LINE = 30
"""Characters of a line that FineWeb calls short."""
_BULLETS = "•-*●▪◦‣·"
_ELLIPSIS = ord("…")
_TOP_BITS = 12
_SHIFT = 64 - _TOP_BITS
_Arrays = dict[str, NDArray[np.floating]]


def measured(texts: pl.Series, languages: pl.Series, statistics: Collection[str]) -> pl.DataFrame:
    """Return a column of each statistic, a row for each text; null for texts that no rules are for, and without text.

    Args:
        texts: strings.
        languages: `en`, `zh` or `other` for each.
        statistics: names from `STATISTICS`.
    """
    groups = [compute for names, compute in GROUPS.items() if set(names) & set(statistics)]
    columns = {name: np.full(len(texts), np.nan) for name in statistics}
    # Apart, because what is plain ASCII is read faster, and one other character in a block makes it none.
    is_plain = ~is_foreign(texts)
    for language, chosen in ((ENGLISH, is_plain), (ENGLISH, ~is_plain), (CHINESE, texts.is_not_null())):
        places = ((languages == language) & chosen).arg_true()
        if not len(places):
            continue
        rows = places.to_numpy()
        for start, group in blocks(texts.gather(places).to_list()):
            tokens = Tokens(group, chinese=language == CHINESE)
            for compute in groups:
                for name, values in compute(tokens, language).items():
                    if name in columns:
                        columns[name][rows[start : start + len(group)]] = values
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64)).with_columns(pl.all().fill_nan(None))


def _words(tokens: Tokens, language: str) -> _Arrays:
    words, start, end = tokens.core
    doc = tokens.doc_T[words]
    count, size = tokens.num_texts, tokens.num_tokens_N
    num_words = np.bincount(doc, minlength=count)
    letters = np.bincount(tokens.doc_T, weights=tokens.have_letter, minlength=count)
    return {
        "num_words": num_words.astype(np.float64),
        "mean_word_length": _ratio(np.bincount(doc, weights=end - start, minlength=count), num_words),
        "hash_ratio": _ratio(_count_marks(tokens, "#"), size),
        "ellipsis_ratio": _ratio(_num_ellipses(tokens), size),
        "words_with_letter": _ratio(letters, size),
        "stop_words": _num_stop_words(tokens.core_hashes, doc, count, language),
        "newline_ratio": _ratio(tokens.num_newlines, size),
    }


def _lines(tokens: Tokens, _: str) -> _Arrays:
    lines, codes = tokens.lines, tokens.codes_C
    count = tokens.num_texts
    size = np.bincount(lines.doc_L, minlength=count)
    first, last = codes[lines.start_L], codes[lines.end_L - 1]
    three_dots = (last == ord(".")) & (lines.end_L - lines.start_L >= 3)
    three_dots &= (codes[lines.end_L - 2] == ord(".")) & (codes[np.maximum(lines.end_L - 3, 0)] == ord("."))

    def share(is_such: NDArray[np.bool_]) -> NDArray[np.floating]:
        return _ratio(np.bincount(lines.doc_L, weights=is_such, minlength=count), size)

    repeats = tokens.repeated(lines)
    paragraphs = tokens.paragraphs
    repeated = tokens.repeated(paragraphs)
    num_chars = tokens.num_chars_N - tokens.num_newlines
    parts = np.bincount(paragraphs.doc_L, minlength=count)
    return {
        "bullet_lines": share(np.isin(first, [ord(mark) for mark in _BULLETS])),
        "ellipsis_lines": share((last == _ELLIPSIS) | three_dots),
        "terminal_lines": share((tokens.flags_C[lines.end_L - 1] & TERMINAL) != 0),
        "short_lines": share(lines.end_L - lines.start_L <= SHORT_LINE),
        "dup_lines": share(repeats),
        "dup_line_chars": _ratio(_weight(lines.doc_L, lines.end_L - lines.start_L, repeats, count), num_chars),
        "dup_paragraphs": _ratio(np.bincount(paragraphs.doc_L, weights=repeated, minlength=count), parts),
        "dup_paragraph_chars": _ratio(
            _weight(paragraphs.doc_L, paragraphs.end_L - paragraphs.start_L, repeated, count), num_chars
        ),
    }


def _ngrams(tokens: Tokens, _: str) -> _Arrays:
    # Occurrences that overlap (哈哈哈) and the spaces between words may make it more than all characters.
    return {name: np.minimum(_ratio(chars, tokens.num_chars_N), 1.0) for name, chars in repetition(tokens).items()}


def _sentences(tokens: Tokens, language: str) -> _Arrays:
    rules, texts = LineRules(), tokens.texts
    found = num_sentences(tokens) if language == ENGLISH else np.zeros(tokens.num_texts)
    with_han = [place for place, text in enumerate(texts) if not text.isascii() and HAN.search(text)]
    for place in {*_holding(TELLING, texts), *with_han} if language == ENGLISH else range(len(texts)):
        found[place] = rules.num_sentences(texts[place], language)
    lorem_ipsum = np.zeros(tokens.num_texts)
    lorem_ipsum[_holding((LOREM_IPSUM,), texts)] = 1.0
    return {
        "num_sentences": found,
        "lorem_ipsum": lorem_ipsum,
        "curly_brackets": _count_marks(tokens, "{").astype(np.float64),
    }


def _holding(phrases: Sequence[str], texts: Sequence[str]) -> list[int]:
    """Return the places of texts with one of some phrases; bytes are lowered faster than letters."""
    together = "\n".join(texts).encode("utf-8", "surrogatepass").lower()
    possible = [phrase for phrase in phrases if phrase.isascii()] if together.isascii() else phrases
    there = [phrase for phrase in possible if phrase.encode() in together]
    marks = [phrase for phrase in there if phrase.upper() == phrase]
    words = [phrase for phrase in there if phrase not in marks]
    found = {place for mark in marks for place, text in enumerate(texts) if mark in text}
    if words:
        lowered = map(str.lower, texts)
        found |= {place for place, plain in enumerate(lowered) if any(word in plain for word in words)}
    return sorted(found)


GROUPS: Mapping[tuple[str, ...], Callable[[Tokens, str], _Arrays]] = {
    ("num_words", "mean_word_length", "hash_ratio", "ellipsis_ratio", "words_with_letter", "stop_words",
     "newline_ratio"): _words,
    ("bullet_lines", "ellipsis_lines", "terminal_lines", "short_lines", "dup_lines", "dup_line_chars",
     "dup_paragraphs", "dup_paragraph_chars"): _lines,
    ("top_2_gram", "top_3_gram", "top_4_gram", *(f"dup_{n}_gram" for n in range(5, 11))): _ngrams,
    ("num_sentences", "lorem_ipsum", "curly_brackets"): _sentences,
}  # fmt: skip
"""Statistics that are computed together."""
STATISTICS: tuple[str, ...] = tuple(name for names in GROUPS for name in names)


def _num_stop_words(
    hashes: NDArray[np.uint64], docs: NDArray[np.int64], count: int, language: str
) -> NDArray[np.float64]:
    """Count the different stop words of each text."""
    wanted = _stop_hashes(language)
    is_likely = np.zeros(1 << _TOP_BITS, np.bool_)
    is_likely[[int(stop >> _SHIFT) for stop in wanted]] = True
    likely = np.flatnonzero(is_likely[hashes >> _SHIFT])
    hashes, docs = hashes[likely], docs[likely]
    found = np.zeros((len(wanted), count), np.bool_)
    for row, stop in zip(found, wanted):
        row[docs[hashes == stop]] = True
    return np.asarray(found.sum(axis=0), np.float64)


@functools.cache
def _stop_hashes(language: str) -> tuple[np.uint64, ...]:
    return tuple(np.uint64(word_hash(word)) for word in STOP_WORDS[language])


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.floating]:
    return np.asarray(np.divide(above, below, out=np.zeros(len(below)), where=below > 0, dtype=np.float64))


def _weight(
    docs: NDArray[np.int64], lengths: NDArray[np.int64], is_such: NDArray[np.bool_], count: int
) -> NDArray[np.floating]:
    return np.asarray(np.bincount(docs[is_such], weights=lengths[is_such], minlength=count), np.float64)


def _count_marks(tokens: Tokens, mark: str) -> NDArray[np.int64]:
    places = tokens.places_of(mark)
    return np.bincount(np.searchsorted(tokens.start_N, places, side="right") - 1, minlength=tokens.num_texts)


def _num_ellipses(tokens: Tokens) -> NDArray[np.int64]:
    """Count `…` and runs of three dots."""
    dots = tokens.places_of(".")
    is_first = np.diff(dots, prepend=-2) > 1
    starts, lengths = dots[is_first], np.diff(np.append(np.flatnonzero(is_first), len(dots)))
    docs = np.searchsorted(tokens.start_N, starts[lengths >= 3], side="right") - 1
    runs = np.bincount(docs, weights=lengths[lengths >= 3] // 3, minlength=tokens.num_texts).astype(np.int64)
    return runs + _count_marks(tokens, "…")
