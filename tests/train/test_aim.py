"""What training maximises on dev: the first figure, then minus the loss."""

from __future__ import annotations

import math

import numpy as np
import pytest

from oreline import registry
from oreline.runtime.windows import ragged
from oreline.train.aim import aim_of

CLASSES = registry.create("task", "text_classification", labels=["x", "y"])
TAGS = registry.create("task", "token_classification", labels=["O", "B-X", "I-X"])


def test_classes_have_their_log_loss() -> None:
    assert aim_of(CLASSES, np.zeros(1), {}, {"accuracy": 0.5, "log_loss": 0.7}) == (0.5, -0.7)


def test_tags_have_the_nats_of_their_words() -> None:
    scores = {"scores": ragged([np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]])])}
    value, loss = aim_of(TAGS, ragged([np.array([0, 1])]), scores, {"entity_f1": 0.0})
    assert (value, loss) == (0.0, pytest.approx((np.log(0.5) + np.log(0.8)) / 2))


def test_an_undefined_figure_is_worst_and_a_number_has_no_loss() -> None:
    assert aim_of(CLASSES, np.zeros(0), {}, {"log_loss": 0.7})[0] == -math.inf
    numbers = registry.create("task", "regression", mean=0.0, spread=1.0)
    assert aim_of(numbers, np.zeros(1), {}, {"r2": 0.4}) == (0.4, 0.0)
