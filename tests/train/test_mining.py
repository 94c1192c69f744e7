"""Hard negatives: the nearest that are not relevant and not too near, against a slow version."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.metrics.retrieval import unit
from oreline.train.mining import hard_negatives


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 20), st.integers(1, 6), st.integers(0, 10_000))
def test_equals_the_slow_version(num_texts: int, most: int, seed: int):
    source = np.random.default_rng(seed)
    queries, texts = unit(source.normal(size=(4, 5))), unit(source.normal(size=(num_texts, 5)))
    known = [source.permutation(num_texts)[: source.integers(1, num_texts + 1)] for _ in range(4)]
    found = hard_negatives(queries, texts, known, most=most, margin=0.1)
    for query, own, near in zip(queries, known, found):
        cosine = texts @ query
        lowest = min(cosine[own])
        bound = lowest - 0.1 * abs(lowest)
        left = [text for text in range(num_texts) if text not in own and cosine[text] <= bound]
        assert near.tolist() == sorted(left, key=lambda text: -cosine[text])[:most]


def test_queries_are_taken_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch):
    source = np.random.default_rng(0)
    queries, texts = unit(source.normal(size=(9, 5))), unit(source.normal(size=(12, 5)))
    known = [np.array([row]) for row in range(9)]
    whole = hard_negatives(queries, texts, known, most=3, margin=0.05)
    monkeypatch.setattr("oreline.train.mining._AT_ONCE", 24)
    parts = hard_negatives(queries, texts, known, most=3, margin=0.05)
    assert [row.tolist() for row in parts] == [row.tolist() for row in whole]
