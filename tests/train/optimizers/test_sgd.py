"""SGD against NumPy, and against torch's own where there is no decay."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from oreline.errors import UsageError
from oreline.train.optimizers.sgd import Optimizer


@pytest.mark.parametrize("nesterov", [False, True])
def test_it_moves_as_the_formula_says(nesterov: bool):
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2).double()
    optimizer = Optimizer(momentum=0.8, nesterov=nesterov).build(model, learning_rate=0.1, weight_decay=0.3)
    expected = [parameter.detach().numpy().copy() for parameter in (model.weight, model.bias)]
    moments = [np.zeros_like(value) for value in expected]
    for step in range(5):
        for number, (parameter, decay) in enumerate(((model.weight, 0.3), (model.bias, 0.0))):
            gradient = np.random.default_rng([step, number]).normal(size=parameter.shape)
            parameter.grad = torch.from_numpy(gradient)
            moments[number] = 0.8 * moments[number] + gradient
            direction = gradient + 0.8 * moments[number] if nesterov else moments[number]
            expected[number] = (1 - 0.1 * decay) * expected[number] - 0.1 * direction
        optimizer.step()
    np.testing.assert_allclose(model.weight.detach(), expected[0], rtol=1e-12)
    np.testing.assert_allclose(model.bias.detach(), expected[1], rtol=1e-12)


def test_without_momentum_it_is_torchs_with_its_decay():
    torch.manual_seed(0)
    ours = torch.nn.Linear(6, 3)
    theirs = copy.deepcopy(ours)
    mine = Optimizer(momentum=0.0).build(ours, learning_rate=0.1, weight_decay=0.2)
    groups = [{"params": [theirs.weight], "weight_decay": 0.2}, {"params": [theirs.bias]}]
    other = torch.optim.SGD(groups, lr=0.1)
    for _ in range(4):
        inputs = torch.randn(4, 6)
        for model, optimizer in ((ours, mine), (theirs, other)):
            model(inputs).pow(2).mean().backward()
            optimizer.step()
            optimizer.zero_grad()
    torch.testing.assert_close(ours.weight, theirs.weight)
    torch.testing.assert_close(ours.bias, theirs.bias)
    assert not any(mine.state.values())  # nothing to remember


def test_nesterov_needs_a_momentum():
    with pytest.raises(UsageError, match="nesterov without momentum"):
        Optimizer(momentum=0.0, nesterov=True)
