"""The moving average against its recursion, and the warm-up of its decay."""

from __future__ import annotations

import pytest
import torch

from oreline.errors import UsageError
from oreline.train.regularizers.ema import Regularizer


def test_it_is_the_recursion_with_a_decay_that_warms_up():
    torch.manual_seed(0)
    model, ema = torch.nn.Linear(3, 2), Regularizer(decay=0.4)
    expected = None
    for step, decay in enumerate([2 / 11, 3 / 12, 4 / 13, 5 / 14, 6 / 15, 0.4, 0.4], start=1):
        with torch.no_grad():
            model.weight.normal_()
        ema.after_step(model, step, 100)
        weights = model.weight.detach().double()
        expected = weights if expected is None else decay * expected + (1 - decay) * weights
        torch.testing.assert_close(ema.weights["weight"].double(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("decay", [-0.1, 1.0, "slow", True])
def test_a_decay_outside_its_range_is_refused(decay):
    with pytest.raises(UsageError, match="ema: decay"):
        Regularizer(decay=decay)
