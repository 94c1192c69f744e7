"""Sentences of many English texts at once, in the lines that C4's rules keep.

The same count as `c4.LineRules().num_sentences`, for texts without citations, JavaScript and policies.
Legend: N texts, T tokens, L lines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oreline.data.quality.c4 import ENDS, MAX_WORD, LineRules
from oreline.data.quality.characters import CLOSER, MARK
from oreline.data.quality.tokens import Tokens

_MAX_CLOSERS = 64


def num_sentences(tokens: Tokens) -> NDArray[np.float64]:
    """Return the sentences of each text, (N,); a line that stays is one at least."""
    lines, codes = tokens.lines, tokens.codes_C
    last = codes[lines.end_L - 1]
    stays = np.isin(last, [ord(mark) for mark in ENDS]) & (lines.num_tokens_L >= LineRules().min_words)
    stays &= ~_ends_with_dots(tokens)
    line_T = np.repeat(np.arange(len(lines.doc_L)), lines.num_tokens_L)
    stays[line_T[tokens.end_T - tokens.start_T > MAX_WORD]] = False
    ends = np.bincount(line_T[_ends_sentence(tokens)], minlength=len(lines.doc_L))
    counts = np.where(stays, np.maximum(ends, 1), 0)
    return np.asarray(np.bincount(lines.doc_L, weights=counts, minlength=tokens.num_texts), np.float64)


def _ends_with_dots(tokens: Tokens) -> NDArray[np.bool_]:
    """Return which lines end with three dots; `…` is no end of C4's anyway."""
    lines, codes, dot = tokens.lines, tokens.codes_C, ord(".")
    found = (codes[lines.end_L - 1] == dot) & (lines.end_L - lines.start_L >= 3)
    found &= (codes[lines.end_L - 2] == dot) & (codes[np.maximum(lines.end_L - 3, 0)] == dot)
    return np.asarray(found)


def _ends_sentence(tokens: Tokens) -> NDArray[np.bool_]:
    """Return which tokens end with a mark, or with a mark and what closes after it."""
    last, flags = tokens.end_T - 1, tokens.flags_C
    closing = np.flatnonzero(flags[last] & CLOSER)
    for _ in range(_MAX_CLOSERS):
        closing = closing[last[closing] > tokens.start_T[closing]]
        if not len(closing):
            break
        last[closing] -= 1
        closing = closing[(flags[last[closing]] & CLOSER) != 0]
    return np.asarray((flags[last] & MARK) != 0)
