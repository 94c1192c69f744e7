"""Adagrad against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from oreline.errors import UsageError
from oreline.train.optimizers.adagrad import Optimizer


@pytest.mark.parametrize("initial", [0.0, 0.5])
def test_it_moves_as_the_formula_says(initial: float):
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2).double()
    optimizer = Optimizer(eps=0.01, initial=initial).build(model, learning_rate=0.1, weight_decay=0.3)
    expected = [parameter.detach().numpy().copy() for parameter in (model.weight, model.bias)]
    sums = [np.full_like(value, initial) for value in expected]
    for step in range(5):
        for number, (parameter, decay) in enumerate(((model.weight, 0.3), (model.bias, 0.0))):
            gradient = np.random.default_rng([step, number]).normal(size=parameter.shape)
            parameter.grad = torch.from_numpy(gradient)
            sums[number] = sums[number] + gradient**2
            expected[number] = (1 - 0.1 * decay) * expected[number] - 0.1 * gradient / (np.sqrt(sums[number]) + 0.01)
        optimizer.step()
    np.testing.assert_allclose(model.weight.detach(), expected[0], rtol=1e-6)  # torch keeps the start in fp32
    np.testing.assert_allclose(model.bias.detach(), expected[1], rtol=1e-6)


def test_a_negative_start_is_refused():
    with pytest.raises(UsageError, match="adagrad: initial is -1"):
        Optimizer(initial=-1)
