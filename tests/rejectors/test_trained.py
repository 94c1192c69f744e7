"""The log odds of the class that out-of-scope rows trained."""

from __future__ import annotations

import numpy as np

from oreline.rejectors.trained import Rejector
from oreline.types import Signals


def test_is_the_log_odds_of_the_softmax():
    source = np.random.default_rng(0)
    inside_NK, outside_N = source.normal(size=(10, 4)), source.normal(size=10)
    p_N = np.exp(outside_N) / (np.exp(outside_N) + np.exp(inside_NK).sum(axis=1))
    far_N = Rejector().far(Signals(inside_NK, outside_N, None), {})
    np.testing.assert_allclose(far_N, np.log(p_N / (1 - p_N)))
    assert Rejector.needs_rows
