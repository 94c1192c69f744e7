"""Averages of figures with intervals; whole suites are in test_suite.py."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.api.suite_report import macro_average
from oreline.types import Estimate


def test_the_interval_covers_what_independent_tasks_do() -> None:
    """Against simulation: tasks of binomial accuracy, the average's interval holds the truth as often as it claims."""
    source, truth, rows = np.random.default_rng(0), np.array([0.9, 0.7, 0.55]), np.array([300, 150, 500])
    held = 0
    for _ in range(2000):
        share = source.binomial(rows, truth) / rows
        half = 1.96 * np.sqrt(share * (1 - share) / rows)
        mean = macro_average([Estimate(s, s - h, s + h, int(n)) for s, h, n in zip(share, half, rows)])
        assert mean is not None
        held += mean.low <= truth.mean() <= mean.high
    assert 0.935 < held / 2000 < 0.965


def test_one_and_none() -> None:
    one = Estimate(0.5, 0.4, 0.7, 10)
    mean = macro_average([one])
    assert mean is not None
    assert (mean.value, mean.low, mean.high, mean.n) == pytest.approx((0.5, 0.4, 0.7, 10))
    assert macro_average([]) is None
