"""How a threshold is chosen, against every threshold tried in turn; and wrong options."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.errors import UsageError
from oreline.rejectors.rejecting import MIN_OUTSIDE, Rejecting, log_sum_exp


def rows(seed: int, num_outside: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    source = np.random.default_rng(seed)
    outside_N = np.arange(40 + num_outside) >= 40
    far_N = np.round(source.normal(size=len(outside_N)) + 1.5 * outside_N, 1)
    return far_N, (source.random(len(outside_N)) < 0.9) & ~outside_N, outside_N


def accuracy_and_recall(far_N, right_N, outside_N, threshold: float) -> tuple[float, float]:
    kept_N = far_N <= threshold
    return float((right_N & kept_N)[~outside_N].mean()), float(1 - kept_N[outside_N].mean())


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.sampled_from([None, 0.0, 0.05, 0.3]))
def test_no_other_threshold_is_better(seed: int, max_loss: float | None):
    given_rows = rows(seed, num_outside=15)
    far_N = given_rows[0]
    chosen = accuracy_and_recall(*given_rows, Rejecting(max_loss=max_loss).threshold(*given_rows, 0.95))
    tried = [accuracy_and_recall(*given_rows, value) for value in far_N]
    if max_loss is None:
        assert sum(chosen) == pytest.approx(max(map(sum, tried)))
        return
    allowed = [pair for pair in tried if pair[0] >= max(accuracy for accuracy, _ in tried) - max_loss - 1e-9]
    assert chosen in [pytest.approx(pair) for pair in allowed]
    assert chosen[1] == pytest.approx(max(recall for _, recall in allowed))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(0, MIN_OUTSIDE - 1), st.floats(0.05, 0.99))
def test_with_few_rows_out_of_scope_a_share_is_kept(seed: int, num_outside: int, keep: float):
    far_N, right_N, outside_N = rows(seed, num_outside)
    threshold = Rejecting().threshold(far_N, right_N, outside_N, keep)
    inside_N = far_N[~outside_N]
    assert (inside_N <= threshold).mean() >= keep - 1e-9
    below = np.unique(far_N)[np.unique(far_N) < threshold]
    assert len(below) == 0 or (inside_N < below[-1]).mean() < keep


def test_rows_that_are_all_the_same_are_kept():
    outside_N = np.arange(30) >= 15
    threshold = Rejecting().threshold(np.ones(30), ~outside_N, outside_N, 0.95)
    assert threshold > 1


@pytest.mark.parametrize(
    "options", [{"label": ""}, {"keep": 0}, {"keep": 1.0}, {"keep": "most"}, {"max_loss": -0.1}, {"max_loss": True}]
)
def test_wrong_options_are_refused(options):
    with pytest.raises(UsageError, match="reject: "):
        Rejecting(**options)


def test_log_sum_exp_is_that_of_scipy():
    from scipy.special import logsumexp

    logits_NK = np.random.default_rng(0).normal(scale=300, size=(20, 5))
    np.testing.assert_allclose(log_sum_exp(logits_NK), logsumexp(logits_NK, axis=1))
