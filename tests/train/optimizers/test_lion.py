"""Lion against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from oreline.errors import UsageError
from oreline.train.optimizers.lion import Optimizer


def test_it_moves_as_the_paper_says():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 2)).double()
    model[1].weight.requires_grad_(False)
    optimizer = Optimizer(beta1=0.7, beta2=0.95).build(model, learning_rate=0.1, weight_decay=0.3)
    before = {name: parameter.detach().numpy().copy() for name, parameter in model.named_parameters()}
    expected, moments = dict(before), {name: np.zeros_like(value) for name, value in before.items()}
    for step in range(6):
        for number, (name, decay) in enumerate((("0.weight", 0.3), ("0.bias", 0.0))):
            gradient = np.random.default_rng([step, number]).normal(size=before[name].shape)
            model.get_parameter(name).grad = torch.from_numpy(gradient)
            direction = np.sign(0.7 * moments[name] + 0.3 * gradient)
            expected[name] = expected[name] - 0.1 * (direction + decay * expected[name])
            moments[name] = 0.95 * moments[name] + 0.05 * gradient
        optimizer.step()
    for name, parameter in model.named_parameters():  # 1.weight is frozen, 1.bias never had a gradient
        np.testing.assert_allclose(parameter.detach(), expected[name], rtol=1e-12)
    assert {len(state) for state in optimizer.state.values()} == {1}


def test_a_share_outside_0_to_1_is_refused():
    with pytest.raises(UsageError, match="lion: beta2 is 1"):
        Optimizer(beta2=1)
