"""Statistics of two samples, against scikit-learn, SciPy and counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from oreline.monitor.two_sample import auc_estimate, permutation_p_value

SCORES = st.lists(st.integers(0, 6), min_size=2, max_size=30)


@settings(deadline=None)
@given(reference=SCORES, live=SCORES)
def test_auc_equals_scikit_learn(reference: list[int], live: list[int]) -> None:
    scores_N = np.asarray([*reference, *live], dtype=np.float64)
    is_live_N = np.arange(len(scores_N)) >= len(reference)
    expected = roc_auc_score(is_live_N, scores_N)
    estimate = auc_estimate(np.asarray(reference, float), np.asarray(live, float))
    assert estimate.value == pytest.approx(expected)
    assert estimate.low <= estimate.value <= estimate.high


def test_the_interval_covers_the_truth() -> None:
    """P(live > reference) is known for two normal samples; the 95 % interval holds it in 95 % of 400 samples."""
    truth = 0.7602499389065233  # Phi(1 / sqrt 2)
    source = np.random.default_rng(0)
    estimates = [auc_estimate(source.normal(size=80), source.normal(1, 1, size=60)) for _ in range(400)]
    covered = sum(estimate.low <= truth <= estimate.high for estimate in estimates)
    assert 0.92 * 400 <= covered <= 0.98 * 400


def test_p_value_counts_ties_and_the_observed_one() -> None:
    assert permutation_p_value(2.0, np.asarray([1.0, 2.0, 3.0, 4.0])) == 4 / 5
    assert permutation_p_value(9.0, np.zeros(99)) == 1 / 100
    assert permutation_p_value(0.3, np.asarray([0.1 + 0.2, 0.1 + 0.2 - 4e-17])) == 1.0
