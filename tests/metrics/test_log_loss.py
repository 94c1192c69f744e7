"""Log loss against scikit-learn, and its clipping."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from oreline.evaluate.table import Table
from oreline.metrics.log_loss import CLIP, Metric
from oreline.tasks.text_classification import Task


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(2, 6), st.integers(0, 10_000))
def test_equals_scikit_learn_on_float32(random_table, num_rows: int, num_classes: int, seed: int):
    table = random_table(num_rows, num_classes, seed)
    # Halves, quarters … are exact in float32; scikit-learn warns where a row does not sum to one.
    scores_NK = np.asarray(table.scores, dtype=np.float32)
    exact = Table(table.task, table.targets, scores_NK, table.row_ids, table.texts)
    found = Metric().values(exact, np.ones((1, num_rows)))["log_loss"][0]
    assert found == pytest.approx(log_loss(exact.targets, scores_NK, labels=range(num_classes)), abs=2e-6)


def test_a_certain_mistake_costs_sixteen_nats():
    table = Table(Task(labels=["a", "b"]), np.array([0]), np.array([[0.0, 1.0]]), ["1"], [""])
    assert Metric().values(table, np.ones((1, 1)))["log_loss"][0] == pytest.approx(-math.log(CLIP))
    assert -math.log(CLIP) == pytest.approx(15.9, abs=0.05)


def test_an_even_guess_costs_log_two():
    table = Table(Task(labels=["a", "b"]), np.array([0, 1]), np.full((2, 2), 0.5), ["1", "2"], ["", ""])
    assert Metric().values(table, np.ones((1, 2)))["log_loss"][0] == pytest.approx(math.log(2))
