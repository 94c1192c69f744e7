"""The loss of several labels is that of scikit-learn's, summed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import log_loss

from oreline.models.batch import make_batch
from oreline.models.heads.multilabel import Head

ROWS = [np.array(row, np.int32) for row in ([2, 7, 3], [2, 8, 9, 3], [2, 5, 6, 7, 3])]
MARKS = np.array([[1, 0], [1, 1], [0, 0]], np.float32)


def test_the_loss_is_the_sum_of_binary_log_losses(tiny_start: Path):
    head = Head(num_labels=2, pooling="mean")
    model = head.module(tiny_start).eval()
    batch = make_batch(ROWS, 0, targets=MARKS)
    logits_BK, _ = head.outputs(model, batch)
    scores_BK = 1 / (1 + np.exp(-logits_BK.astype(float)))
    by_label = [3 * log_loss(MARKS[:, k], scores_BK[:, k], labels=[0, 1]) for k in range(2)]
    assert float(head.loss(model, batch).detach()) == pytest.approx(sum(by_label), rel=1e-5)
