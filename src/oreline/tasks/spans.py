"""The most probable spans of a row of words, from scores for where they begin and end.

Shape suffixes: W places of one row (0 says "no answer", then its words), L words of the longest span.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TINY = 1e-30
_AT_ONCE = 64
"""Spans that are looked at, for each one wanted, to find some that do not overlap."""


class Span(NamedTuple):
    """Words of a row, first and last included, and the log of how probable the span is."""

    first: int
    last: int
    log_p: float


class Spans(NamedTuple):
    """What a row's scores say."""

    best: list[Span]
    """The most probable first; none overlaps another."""
    null_log_p: float
    """Log of how probable "no answer" is, on the same scale."""
    log_total: float
    """Log of the sum over all spans."""

    @property
    def margin(self) -> float:
        """How much more probable "no answer" is than the best span, in nats."""
        return self.null_log_p - self.best[0].log_p if self.best else np.inf


def best_spans(scores_W2: NDArray[np.floating], max_words: int, num: int = 1) -> Spans:
    """Return the best spans of at most `max_words` words: the product of both probabilities.

    >>> scores_W2 = np.array([[0.1, 0.1], [0.6, 0.1], [0.2, 0.7], [0.1, 0.1]])
    >>> [(first, last, round(float(np.exp(log_p)), 2)) for first, last, log_p in best_spans(scores_W2, 2, num=2).best]
    [(0, 1, 0.42), (2, 2, 0.01)]
    """
    log_W2 = np.log(np.maximum(scores_W2.astype(np.float64), _TINY))
    null_log_p = float(log_W2[0].sum()) if len(log_W2) else 0.0
    num_words = len(log_W2) - 1
    if num_words < 1:
        return Spans([], null_log_p, -np.inf)
    longest = min(max_words, num_words)
    ends = np.concatenate([log_W2[1:, 1], np.full(longest - 1, -np.inf)])
    # Longest first: words that share a token have equal scores, and the span then takes in all of them.
    sums_WL = log_W2[1:, :1] + np.lib.stride_tricks.sliding_window_view(ends, longest)[:, ::-1]
    flat = sums_WL.ravel()
    count = min(_AT_ONCE * num if num > 1 else 1, flat.size)
    if count == 1:
        order = np.asarray([flat.argmax()])
    else:
        kept = np.argpartition(-flat, count - 1)[:count]
        order = kept[np.lexsort((kept, -flat[kept]))]
    best: list[Span] = []
    for place in order:
        first, shorter = divmod(int(place), longest)
        span = Span(first, first + longest - 1 - shorter, float(flat[place]))
        if np.isfinite(span.log_p) and all(span.last < other.first or other.last < span.first for other in best):
            best.append(span)
        if len(best) == num:
            break
    highest = flat.max()
    return Spans(best, null_log_p, float(highest + np.log(np.exp(flat - highest).sum())))


def log_p_of(scores_W2: NDArray[np.floating], first: int, last: int) -> float:
    """Return the log of how probable a span of words is, as `best_spans` reckons it.

    >>> scores_W2 = np.array([[0.1, 0.1], [0.6, 0.1], [0.2, 0.7], [0.1, 0.1]])
    >>> round(float(np.exp(log_p_of(scores_W2, 0, 1))), 2)
    0.42
    """
    both = np.asarray([scores_W2[1 + first, 0], scores_W2[1 + last, 1]], dtype=np.float64)
    return float(np.log(np.maximum(both, _TINY)).sum())


def best_margin(margins_N: NDArray[np.floating], gains_N: NDArray[np.floating]) -> float:
    """Return the margin up to which answering gains most, halfway between two rows; nearest to 0 of several.

    Args:
        margins_N: how much more probable "no answer" is, for each row.
        gains_N: what answering gains over not answering (its F1, minus 1 where there is no answer).

    Source: SQuAD 2.0's evaluation, which chooses the threshold by the figure itself.

    >>> best_margin(np.array([-3.0, -1.0, 2.0, 4.0]), np.array([1.0, 1.0, -1.0, -1.0]))
    0.5
    """
    order = np.argsort(margins_N, kind="stable")
    sorted_N = np.clip(margins_N[order], -1e6, 1e6)
    sums = np.concatenate([[0.0], np.cumsum(gains_N[order])])
    cuts = np.concatenate([[sorted_N[0] - 1.0], (sorted_N[1:] + sorted_N[:-1]) / 2, [sorted_N[-1] + 1.0]])
    possible = np.concatenate([[True], sorted_N[1:] > sorted_N[:-1], [True]])  # equal margins stand on one side
    good = cuts[possible & (sums >= sums[possible].max() - 1e-12)]
    return float(good[np.argmin(np.abs(good))])
