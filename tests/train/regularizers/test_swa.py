"""The mean of the last weights against the mean of a list of them."""

from __future__ import annotations

import pytest
import torch

from oreline.errors import UsageError
from oreline.train.regularizers.swa import Regularizer


@pytest.mark.parametrize(("last", "averaged"), [(0.25, 5), (1.0, 20), (0.001, 1)])
def test_it_is_the_mean_of_the_last_weights(last: float, averaged: int):
    torch.manual_seed(0)
    model, swa, kept = torch.nn.Linear(3, 2), Regularizer(last=last), []
    for step in range(1, 21):
        with torch.no_grad():
            model.weight.normal_()
        kept.append(model.weight.detach().clone())
        swa.after_step(model, step, 20)
        assert bool(swa.weights) == (step > 20 - averaged)
    torch.testing.assert_close(swa.weights["weight"], torch.stack(kept[-averaged:]).mean(0))


@pytest.mark.parametrize("last", [0, 1.1, "half", True])
def test_a_share_outside_its_range_is_refused(last):
    with pytest.raises(UsageError, match="swa: last"):
        Regularizer(last=last)
