"""The most probable class's probability."""

from __future__ import annotations

import numpy as np

from oreline.rejectors.softmax import Rejector
from oreline.types import Signals


def test_is_the_negative_log_of_the_highest_probability():
    logits_NK = np.random.default_rng(0).normal(scale=5, size=(10, 4))
    p_NK = np.exp(logits_NK) / np.exp(logits_NK).sum(axis=1, keepdims=True)
    far_N = Rejector().far(Signals(logits_NK, np.zeros(10), None), {})
    np.testing.assert_allclose(far_N, -np.log(p_NK.max(axis=1)))
