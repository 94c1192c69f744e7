"""Losses over the texts of a step, against their formulas written out and sentence-transformers' where installed."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from oreline.models.ranking import at_sizes, graded_loss, ranking_loss


def unit(rows: int, seed: int) -> torch.Tensor:
    """Random vectors of length 1."""
    return F.normalize(torch.randn(rows, 6, generator=torch.Generator().manual_seed(seed)), dim=1)


def slow_ranking(queries: torch.Tensor, texts: torch.Tensor, own: list[int], known: list[set[int]], scale: float):
    """The formula in plain Python."""
    terms = []
    for query, mine, relevant in zip(queries.tolist(), own, known):
        cosine = [scale * sum(a * b for a, b in zip(query, text)) for text in texts.tolist()]
        counted = [value for text, value in enumerate(cosine) if text == mine or text not in relevant]
        terms.append(math.log(sum(map(math.exp, counted))) - cosine[mine])
    return terms


def test_known_texts_are_no_negatives():
    queries, texts, own = unit(4, 0), unit(6, 1), [0, 1, 2, 1]
    known = [{0, 3}, {1}, {2, 4, 5}, {1}]
    known_BC = torch.zeros(4, 6, dtype=torch.bool)
    for row, columns in enumerate(known):
        known_BC[row, list(columns)] = True
    terms_B = ranking_loss(queries, texts, torch.tensor(own), known_BC, scale=5.0)
    assert terms_B.tolist() == pytest.approx(slow_ranking(queries, texts, own, known, 5.0), rel=1e-5)


def test_symmetric_looks_from_the_texts_as_well():
    queries, texts, own = unit(3, 2), unit(4, 3), [0, 1, 1]
    known_BC = torch.zeros(3, 4, dtype=torch.bool)
    known_BC[[0, 1, 2], own] = True
    both_B = ranking_loss(queries, texts, torch.tensor(own), known_BC, scale=3.0, symmetric=True)
    there = slow_ranking(queries, texts, own, [{0}, {1}, {1}], 3.0)
    # The own text of queries 1 and 2 is the same: each looks past the other.
    back = slow_ranking(texts[own], queries, [0, 1, 2], [{0}, {1, 2}, {1, 2}], 3.0)
    assert both_B.tolist() == pytest.approx([(a + b) / 2 for a, b in zip(there, back)], rel=1e-5)


def test_grades_are_an_order_of_pairs():
    first, second, grades = unit(5, 4), unit(5, 5), [0.0, 3.0, 1.0, 3.0, 2.0]
    cosine = [10 * sum(a * b for a, b in zip(*pair)) for pair in zip(first.tolist(), second.tolist())]
    pairs = [(i, j) for i in range(5) for j in range(5) if grades[i] > grades[j]]
    expected = math.log(1 + sum(math.exp(cosine[j] - cosine[i]) for i, j in pairs))
    assert float(graded_loss(first, second, torch.tensor(grades), scale=10.0)) == pytest.approx(expected, rel=1e-5)
    assert float(graded_loss(first, second, torch.ones(5), scale=10.0)) == pytest.approx(0.0, abs=1e-6)


def test_sizes_are_the_mean_over_beginnings_of_length_one():
    vectors = unit(3, 6)
    lengths: list[float] = []

    def loss(cut: torch.Tensor) -> torch.Tensor:
        lengths.extend(cut.norm(dim=1).tolist())
        return cut[:, 0].sum()

    expected = (vectors[:, 0].sum() + (vectors[:, 0] / vectors[:, :2].norm(dim=1)).sum()) / 2
    assert float(at_sizes([6, 2], vectors, loss)) == pytest.approx(float(expected), rel=1e-5)
    assert lengths == pytest.approx([1.0] * 6)
    assert float(at_sizes([], vectors, lambda cut: cut.sum())) == pytest.approx(float(vectors.sum()))
