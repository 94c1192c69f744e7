"""Spans from scores, against trying all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.tasks.spans import best_margin, best_spans


@given(st.integers(0, 12), st.integers(1, 6), st.integers(1, 4), st.integers(0, 10_000))
def test_the_best_is_the_best_of_all(num_words: int, max_words: int, num: int, seed: int) -> None:
    scores_W2 = np.random.default_rng(seed).random((1 + num_words, 2)) ** 4
    found = best_spans(scores_W2, max_words, num)
    every = {
        (first, last): scores_W2[1 + first, 0] * scores_W2[1 + last, 1]
        for first in range(num_words)
        for last in range(first, min(first + max_words, num_words))
    }
    assert found.null_log_p == pytest.approx(np.log(scores_W2[0]).sum())
    if not every:
        assert not found.best
        return
    first, last, log_p = found.best[0]
    assert np.exp(log_p) == pytest.approx(max(every.values()))
    assert every[first, last] == pytest.approx(max(every.values()))
    assert np.exp(found.log_total) == pytest.approx(sum(every.values()))
    assert len(found.best) <= num
    words = [word for first, last, _ in found.best for word in range(first, last + 1)]
    assert len(words) == len(set(words))
    assert [span.log_p for span in found.best] == sorted((span.log_p for span in found.best), reverse=True)
    assert found.margin == pytest.approx(found.null_log_p - found.best[0].log_p)


def test_words_of_one_token_are_taken_together() -> None:
    scores_W2 = np.array([[0.1, 0.1], [0.4, 0.4], [0.4, 0.4], [0.1, 0.1]])
    assert best_spans(scores_W2, 3).best[0][:2] == (0, 1)


def test_scores_of_zero_are_no_fault() -> None:
    assert np.isfinite(best_spans(np.zeros((4, 2)), 2, 3).best[0].log_p)


@given(st.lists(st.tuples(st.integers(-3, 3), st.sampled_from([-1.0, 0.0, 0.5, 1.0])), min_size=1, max_size=12))
def test_no_other_margin_gains_more(rows: list[tuple[int, float]]) -> None:
    margins_N, gains_N = (np.asarray(values, float) for values in zip(*rows))
    chosen = best_margin(margins_N, gains_N)

    def gained(margin: float) -> float:
        return float(gains_N[margins_N <= margin].sum())

    tried = [-10, *(value + step for value in range(-3, 4) for step in (-0.5, 0.0, 0.5)), 10]
    assert gained(chosen) == pytest.approx(max(map(gained, tried)))
