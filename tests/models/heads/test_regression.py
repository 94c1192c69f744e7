"""The loss of a number is its squared error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oreline.models.batch import make_batch
from oreline.models.heads.regression import Head

ROWS = [np.array(row, np.int32) for row in ([2, 7, 3], [2, 8, 9, 3], [2, 5, 6, 7, 3])]
TARGETS = np.array([0.5, -1.0, 2.0])


def test_the_loss_is_the_sum_of_squared_errors(tiny_start: Path):
    head = Head(pooling="mean")
    model = head.module(tiny_start).eval()
    batch = make_batch(ROWS, 0, targets=TARGETS)
    logits_B1, _ = head.outputs(model, batch)
    assert logits_B1.shape == (3, 1)
    by_hand = float(((logits_B1[:, 0] - TARGETS) ** 2).sum())
    assert float(head.loss(model, batch).detach()) == pytest.approx(by_hand, rel=1e-5)
