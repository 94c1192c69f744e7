"""The temperature, against scipy's search over the same loss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from oreline.tasks.calibration import LIMITS, best_temperature


def loss(temperature: float, logits_NK: np.ndarray, targets_N: np.ndarray) -> float:
    return float(-log_softmax(logits_NK / temperature, axis=1)[np.arange(len(targets_N)), targets_N].mean())


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.3, 8))
def test_has_the_lowest_loss(seed: int, scale: float):
    source = np.random.default_rng(seed)
    logits_NK, targets_N = source.normal(scale=scale, size=(60, 4)), source.integers(4, size=60)
    targets_N[:40] = logits_NK[:40].argmax(axis=1)
    targets_N[40] = logits_NK[40].argmin()
    found = best_temperature(logits_NK, targets_N)
    theirs = minimize_scalar(
        lambda value: loss(np.exp(value), logits_NK, targets_N), bounds=np.log(LIMITS), method="bounded"
    )
    assert loss(found, logits_NK, targets_N) <= theirs.fun + 1e-6


def test_scaling_the_logits_scales_it():
    source = np.random.default_rng(0)
    logits_NK, targets_N = source.normal(size=(200, 3)), source.integers(3, size=200)
    targets_N[:150] = logits_NK[:150].argmax(axis=1)
    once = best_temperature(logits_NK, targets_N)
    assert best_temperature(3 * logits_NK, targets_N) == pytest.approx(3 * once, rel=1e-4)


def test_rows_that_are_all_right_make_nothing_surer():
    logits_NK = np.array([[2.0, 0.0], [0.0, 1.0]])
    assert best_temperature(logits_NK, np.array([0, 1])) == pytest.approx(1.0, abs=1e-4)
