"""Adagrad: rates that fall with the gradients seen so far."""

from __future__ import annotations

import math

import torch
from torch import nn

from oreline.train.optimizers.groups import decouple, parameter_groups, refuse_outside


class Optimizer:
    """Adagrad: s ← s + g², θ ← θ − η g / (√s + ε).

    Source: Duchi, Hazan and Singer, Adaptive Subgradient Methods, JMLR 12, 2011. The steps shrink by themselves, so
    that the usual rate is 10 to 100 times AdamW's, and the schedule `constant` goes well with it. The decay is
    decoupled, not on biases and norms.

    Args:
        eps: ε, floor of the denominator.
        initial: s before the first step; above 0, the first steps are smaller.
    """

    def __init__(self, *, eps: float = 1e-10, initial: float = 0.0) -> None:
        """Set the denominator's floor and start. Raises `UsageError` below 0."""
        refuse_outside("adagrad", 0, math.inf, eps=eps, initial=initial)
        self.eps, self.initial = eps, initial

    def build(
        self, model: nn.Module, *, learning_rate: float, weight_decay: float, layer_decay: float | None = None
    ) -> torch.optim.Optimizer:
        """Return the optimizer over a model's trainable parameters."""
        groups = parameter_groups(
            model, learning_rate=learning_rate, weight_decay=weight_decay, layer_decay=layer_decay
        )
        return decouple(
            torch.optim.Adagrad(groups, lr=learning_rate, initial_accumulator_value=self.initial, eps=self.eps)
        )
