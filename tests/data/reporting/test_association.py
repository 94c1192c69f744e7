"""Effects, intervals and p values against scipy, scikit-learn and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from oreline.data.reporting.association import correlation, cramers_v, separation, wilson


def table(seed: int, n: int, strength: float, shape: tuple[int, int] = (3, 4)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(shape[0], size=n), rng.integers(shape[1], size=n)
    follows = rng.random(n) < strength
    columns = np.where(follows, rows % shape[1], columns)
    counts = np.zeros(shape, np.int64)
    np.add.at(counts, (rows, columns), 1)
    return counts


@pytest.mark.parametrize("strength", [0.0, 0.2, 0.7])
def test_v_is_scipys_with_bergsmas_correction(strength: float) -> None:
    counts = table(1, 500, strength)
    found = cramers_v(counts)
    assert found.p == pytest.approx(stats.chi2_contingency(counts, correction=False).pvalue)
    n, r, c = 500, 3, 4
    plain = stats.contingency.association(counts, method="cramer")
    phi = plain**2 * (min(r, c) - 1)
    phi = max(0.0, phi - (r - 1) * (c - 1) / (n - 1))
    small = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    assert found.effect.value == pytest.approx((phi / small) ** 0.5)
    assert found.effect.low <= found.effect.value <= found.effect.high
    assert found.effect.n == 500


def test_the_interval_of_v_covers_the_truth() -> None:
    truth = cramers_v(table(0, 2_000_000, 0.4)).effect.value
    found = [cramers_v(table(seed, 400, 0.4)).effect for seed in range(1, 151)]
    covered = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.9 <= covered <= 0.99
    assert np.mean([one.value for one in found]) == pytest.approx(truth, abs=0.01)


def test_chance_among_many_values_is_no_association() -> None:
    found = [cramers_v(table(seed, 300, 0.0, (40, 5))) for seed in range(100)]
    tables = [table(seed, 300, 0.0, (40, 5)) for seed in range(100)]
    plain = [stats.contingency.association(one[one.sum(1) > 0], method="cramer") for one in tables]
    assert np.mean(plain) > 0.3, "uncorrected, it looks like one"
    assert np.mean([one.effect.value for one in found]) < 0.08
    assert np.mean([one.p < 0.05 for one in found]) < 0.12


def test_nothing_to_associate() -> None:
    assert cramers_v(np.array([[5, 5]])).effect.value == 0.0
    assert cramers_v(np.array([[5, 5], [0, 0]])).p == 1.0
    assert cramers_v(np.zeros((2, 2), np.int64)).effect.value == 0.0
    assert cramers_v(np.array([[40, 0], [0, 40]])).effect.value == pytest.approx(1.0, abs=0.02)


def test_delta_is_that_of_the_auc_and_mann_whitney() -> None:
    rng = np.random.default_rng(3)
    own, others = rng.poisson(12, 80), rng.poisson(10, 150)
    found = separation(np.bincount(own, minlength=40), np.bincount(others, minlength=40))
    truth = np.array([1] * 80 + [0] * 150)
    assert found.effect.value == pytest.approx(2 * roc_auc_score(truth, np.concatenate([own, others])) - 1)
    tested = stats.mannwhitneyu(own, others, method="asymptotic", use_continuity=False)
    assert found.p == pytest.approx(tested.pvalue)


def test_the_interval_of_delta_is_delongs_and_covers() -> None:
    rng = np.random.default_rng(4)
    own, others = rng.poisson(12, 30), rng.poisson(10, 40)
    found = separation(np.bincount(own, minlength=40), np.bincount(others, minlength=40)).effect
    wins = (own[:, None] > others) + 0.5 * (own[:, None] == others)
    spread = wins.mean(1).var(ddof=1) / 30 + wins.mean(0).var(ddof=1) / 40
    assert found.high - found.value == pytest.approx(2 * 1.959964 * spread**0.5, rel=1e-5)
    truth = 2 * stats.norm.cdf(0.5 / 2**0.5) - 1
    covered = []
    for _ in range(300):
        values = np.concatenate([rng.normal(0.5, 1, 60), rng.normal(0, 1, 90)])
        bins = np.unique(values, return_inverse=True)[1]
        one = separation(np.bincount(bins[:60], minlength=150), np.bincount(bins[60:], minlength=150)).effect
        covered.append(one.low <= truth <= one.high)
    assert 0.91 <= np.mean(covered) <= 0.99


def test_one_length_or_one_class_says_nothing() -> None:
    assert separation(np.array([0, 5]), np.array([0, 9])).p == 1.0
    assert separation(np.array([5]), np.array([0])).effect.value == 0.0
    assert separation(np.array([1, 0]), np.array([0, 1])).effect.value == -1.0


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (97, 100), (10, 10)])
def test_wilson_is_scipys(hits: int, n: int) -> None:
    oracle = stats.binomtest(hits, n).proportion_ci(method="wilson")
    found = wilson(hits, n)
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=1e-9)


def test_fishers_interval_is_scipys() -> None:
    rng = np.random.default_rng(0)
    x = rng.random(200) < 0.4
    y = np.where(rng.random(200) < 0.5, x, rng.random(200) < 0.4)
    oracle = stats.pearsonr(x.astype(float), y.astype(float))
    found = correlation(float(oracle.statistic), 200)
    assert (found.low, found.high) == pytest.approx(tuple(oracle.confidence_interval(0.95)))
    assert correlation(1.0, 200).low == 1.0
