"""Perplexity: tokens count the same whichever row they are of."""

from __future__ import annotations

import types

import numpy as np
import pytest

from oreline.metrics.perplexity import Metric


def test_it_is_exp_of_the_mean_over_tokens() -> None:
    nats_N, tokens_N = np.array([1.0, 6.0, 0.0]), np.array([1, 3, 0])  # of the last row nothing could be read
    table = types.SimpleNamespace(costs=(nats_N, tokens_N))
    found = Metric().values(table, np.array([[1.0, 1, 1], [0, 2, 0], [0, 0, 1]]))
    assert found["token_loss"][:2] == pytest.approx([7 / 4, 2])
    assert found["perplexity"][:2] == pytest.approx(np.exp([7 / 4, 2]))
    assert np.isnan(found["perplexity"][2])


def test_nobody_asked() -> None:
    assert Metric().values(types.SimpleNamespace(costs=None), np.ones((1, 2))) == {}
