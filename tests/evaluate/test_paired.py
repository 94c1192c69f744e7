"""Tango's interval against a numerical likelihood, exact enumeration, published values and its own duals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import gammaln
from scipy.stats import binomtest

from oreline.evaluate.paired import exact_mcnemar, p_worse_than, score_interval, score_z

counts = st.integers(0, 60)


def probabilities(n: int, p_gain: float, p_loss: float) -> dict[tuple[int, int], float]:
    """P(gains, losses) of n rows: the trinomial distribution, cells that matter."""
    cells = {}
    for gains in range(min(n, int(n * p_gain + 7 * math.sqrt(n * p_gain) + 4)) + 1):
        for losses in range(min(n - gains, int(n * p_loss + 7 * math.sqrt(n * p_loss) + 4)) + 1):
            if (gains and not p_gain) or (losses and not p_loss):
                continue
            rest = n - gains - losses
            log_p = gammaln(n + 1) - gammaln(gains + 1) - gammaln(losses + 1) - gammaln(rest + 1)
            log_p += gains * math.log(p_gain or 1) + losses * math.log(p_loss or 1)
            cells[gains, losses] = math.exp(log_p + rest * math.log1p(-p_gain - p_loss))
    return cells


@settings(deadline=None, max_examples=100)
@given(counts, counts, st.integers(1, 200), st.floats(-0.9, 0.9))
def test_the_statistic_equals_a_numerical_likelihood(gains: int, losses: int, concordant: int, delta: float):
    assume(abs(delta) > 0.01)
    n = gains + losses + concordant

    def cost(q: float) -> float:
        parts = [(gains, q + delta), (losses, q), (concordant, 1 - 2 * q - delta)]
        return -sum(count * math.log(p) for count, p in parts if count)

    bounds = (max(0.0, -delta) + 1e-13, (1 - delta) / 2 - 1e-13)
    q = minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": 1e-13}).x
    expected = (gains - losses - n * delta) / math.sqrt(n * (2 * q + delta - delta**2))
    assert score_z(gains, losses, n, delta) == pytest.approx(expected, rel=1e-3, abs=1e-3)


@given(counts, counts, st.integers(0, 500))
def test_turning_the_models_round_turns_the_interval_round(gains: int, losses: int, concordant: int):
    n = gains + losses + concordant
    assume(n)
    low, high = score_interval(gains, losses, n)
    assert score_interval(losses, gains, n) == pytest.approx((-high, -low), abs=1e-9)
    assert -1 <= low <= (gains - losses) / n <= high <= 1


@given(counts, counts, st.integers(1, 500))
def test_zero_lies_outside_exactly_when_mcnemars_test_rejects(gains: int, losses: int, concordant: int):
    assume(gains + losses)
    chi_squared = (gains - losses) ** 2 / (gains + losses)
    assume(abs(chi_squared - 3.8414588) > 1e-6)
    low, high = score_interval(gains, losses, gains + losses + concordant)
    assert (low > 0 or high < 0) == (chi_squared > 3.8414588)


@pytest.mark.parametrize("n", [10, 100, 764, 100_000])
def test_no_discordant_row_still_has_a_width(n: int):
    z_squared = 1.959964**2
    assert score_interval(0, 0, n) == pytest.approx(
        (-z_squared / (n + z_squared), z_squared / (n + z_squared)), rel=1e-5
    )


@pytest.mark.parametrize("max_drop", [0.005, 0.02])
@pytest.mark.parametrize("n", [100, 300, 800])
@pytest.mark.parametrize("p_gain", [0.0, 0.004, 0.03])
def test_error_of_passing_a_model_at_the_edge_is_what_it_says(max_drop: float, n: int, p_gain: float):
    """Every outcome enumerated: true drop exactly max_drop. Nominal 2.5 %; a Wald interval errs up to 60 % of times."""
    passed = covered = wald = 0.0
    z = 1.959964
    for (gains, losses), probability in probabilities(n, p_gain, p_gain + max_drop).items():
        low, high = score_interval(gains, losses, n)
        passed += probability * (low >= -max_drop)
        covered += probability * (low <= -max_drop <= high)
        difference = (gains - losses) / n
        wald += probability * (
            difference - z * math.sqrt(max((gains + losses) / n - difference**2, 0) / n) >= -max_drop
        )
    assert passed <= 0.0265
    assert covered >= 0.93
    if n * max_drop < 1.6 and p_gain == 0.0:
        assert wald > 0.2, "the simple interval would let models through"


@pytest.mark.parametrize("bound", [0.02, 0.04])
@pytest.mark.parametrize("n", [100, 300, 1000])
@pytest.mark.parametrize("p_gain", [0.0, 0.01, 0.1])
def test_error_of_refusing_a_class_at_the_edge(bound: float, n: int, p_gain: float):
    """At the level that Holm's correction asks of the smallest of 20 p-values; at most 1.65 times it (see LOG)."""
    level = 0.025 / 20
    cells = probabilities(n, p_gain, p_gain + bound).items()
    refused = sum(p for (gains, losses), p in cells if p_worse_than(gains, losses, n, -bound) <= level)
    assert refused <= 1.65 * level


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_equals_the_exact_binomial_test(gains: int, losses: int):
    expected = binomtest(gains, gains + losses).pvalue if gains + losses else 1.0
    assert exact_mcnemar(gains, losses) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_of_very_many_rows_stays_a_number():
    assert exact_mcnemar(60_000, 61_000) == pytest.approx(binomtest(60_000, 121_000).pvalue, rel=1e-6)
    assert exact_mcnemar(0, 100_000) == 0.0


def test_all_rows_discordant():
    assert score_interval(10, 0, 10)[1] == pytest.approx(1.0)
    assert score_interval(0, 10, 10)[0] == pytest.approx(-1.0)
    assert np.isfinite(score_interval(10, 0, 10)).all()
    assert p_worse_than(10, 0, 10, -0.1) > 0.5
    assert p_worse_than(0, 10, 10, -0.1) < 0.01
