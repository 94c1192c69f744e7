"""Ranks and figures of retrieval against a slow version that sorts all texts for each query."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.metrics.retrieval import average_precision, ndcg, rank_relevant, recall, reciprocal_rank, unit


def slow(query_D: np.ndarray, text_CD: np.ndarray, wanted: set[int], size: int) -> dict[str, float]:
    """All figures of one query, from a sorted list and nothing else."""

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return float(a[:size] @ b[:size] / np.linalg.norm(a[:size]) / np.linalg.norm(b[:size]))

    order = sorted(range(len(text_CD)), key=lambda text: (-cosine(query_D, text_CD[text]), text))
    hits = [text in wanted for text in order]
    found = [place + 1 for place, hit in enumerate(hits) if hit]
    best = sum(1 / math.log2(place + 2) for place in range(min(len(wanted), 10)))
    return {
        "recall_at_1": sum(hits[:1]) / len(wanted),
        "recall_at_10": sum(hits[:10]) / len(wanted),
        "mrr_at_10": next((1 / place for place in found if place <= 10), 0.0),
        "ndcg_at_10": sum(1 / math.log2(place + 1) for place in found if place <= 10) / best,
        "map": sum(sum(hits[:place]) / place for place in found) / len(wanted),
    }


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5), st.integers(1, 40), st.integers(0, 10_000))
def test_equals_the_slow_version(num_queries: int, num_texts: int, seed: int):
    source = np.random.default_rng(seed)
    queries, texts = source.normal(size=(num_queries, 6)), source.normal(size=(num_texts, 6))
    wanted = [source.permutation(num_texts)[: source.integers(1, num_texts + 1)] for _ in range(num_queries)]
    ranks, first_Q = rank_relevant(queries, texts, wanted, (None, 3))
    for k, size in enumerate((6, 3)):
        for query, own_W, ranks_WK in zip(queries, wanted, ranks):
            ranks_W = ranks_WK[:, k]
            expected = slow(query, texts, set(own_W.tolist()), size)
            assert recall(ranks_W, 1) == pytest.approx(expected["recall_at_1"])
            assert recall(ranks_W, 10) == pytest.approx(expected["recall_at_10"])
            assert reciprocal_rank(ranks_W, 10) == pytest.approx(expected["mrr_at_10"])
            assert ndcg(ranks_W, 10) == pytest.approx(expected["ndcg_at_10"])
            assert average_precision(ranks_W) == pytest.approx(expected["map"])
    assert first_Q.tolist() == (unit(queries) @ unit(texts).T).argmax(axis=1).tolist()


def test_equally_near_texts_stand_in_their_order():
    texts = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    ranks, _ = rank_relevant(np.array([[1.0, 0.0]]), texts, [np.array([3, 1, 0])])
    assert ranks[0][:, 0].tolist() == [3, 1, 4]


def test_the_order_of_queries_and_their_number_at_a_time_change_nothing(monkeypatch: pytest.MonkeyPatch):
    source = np.random.default_rng(0)
    queries, texts = source.normal(size=(9, 4)), source.normal(size=(20, 4))
    wanted = [source.permutation(20)[:2] for _ in range(9)]
    whole, first_Q = rank_relevant(queries, texts, wanted)
    monkeypatch.setattr("oreline.metrics.retrieval._AT_ONCE", 40)
    parts, again_Q = rank_relevant(queries[::-1], texts, wanted[::-1])
    np.testing.assert_array_equal(np.stack(parts)[::-1], np.stack(whole))
    np.testing.assert_array_equal(again_Q[::-1], first_Q)


def test_a_vector_of_zeros_stays_one():
    assert unit(np.zeros((1, 3))).tolist() == [[0.0, 0.0, 0.0]]
