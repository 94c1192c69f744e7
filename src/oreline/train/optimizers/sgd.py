"""Stochastic gradient descent with momentum."""

from __future__ import annotations

import torch
from torch import nn

from oreline.errors import UsageError
from oreline.train.optimizers.groups import decouple, parameter_groups, refuse_outside


class Optimizer:
    """SGD with momentum: v ← μ v + g, θ ← θ − η v; with Nesterov's, θ ← θ − η (g + μ v).

    Source: Sutskever et al., On the importance of initialization and momentum in deep learning, 2013, in torch's form.
    Nothing is divided by the gradient's size: the usual rate is 100 to 1,000 times AdamW's, and an encoder learns more
    slowly with it. The decay is decoupled (SGDW, https://arxiv.org/abs/1711.05101), not on biases and norms.

    Args:
        momentum: μ, the share of the last step's direction that is kept; 0 keeps no moment.
        nesterov: look ahead along the momentum.
    """

    def __init__(self, *, momentum: float = 0.9, nesterov: bool = False) -> None:
        """Set the momentum. Raises `UsageError` outside 0 to 1, and for `nesterov` without momentum."""
        refuse_outside("sgd", 0, 1, momentum=momentum)
        if nesterov and not momentum:
            raise UsageError("sgd: nesterov without momentum", allowed="0 < momentum < 1")
        self.momentum, self.nesterov = momentum, nesterov

    def build(
        self, model: nn.Module, *, learning_rate: float, weight_decay: float, layer_decay: float | None = None
    ) -> torch.optim.Optimizer:
        """Return the optimizer over a model's trainable parameters."""
        groups = parameter_groups(
            model, learning_rate=learning_rate, weight_decay=weight_decay, layer_decay=layer_decay
        )
        return decouple(torch.optim.SGD(groups, lr=learning_rate, momentum=self.momentum, nesterov=self.nesterov))
