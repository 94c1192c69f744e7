"""Lion: the sign of a momentum, one moment instead of AdamW's two."""

from __future__ import annotations

import torch
from torch import nn

from oreline.train.optimizers.groups import parameter_groups, refuse_outside


class Optimizer:
    """Lion: u ← sign(β₁ m + (1 − β₁) g), θ ← θ − η (u + λ θ), m ← β₂ m + (1 − β₂) g.

    Source: Chen et al., Symbolic Discovery of Optimization Algorithms, https://arxiv.org/abs/2302.06675, Algorithm 2.
    Every weight moves by the whole rate in each step: the usual rate is 3 to 10 times smaller than AdamW's, and the
    decay λ larger by the same factor, since the two are multiplied. No decay on biases and norms.

    Args:
        beta1: share of the moment in the direction of a step.
        beta2: decay of the moment.
    """

    def __init__(self, *, beta1: float = 0.9, beta2: float = 0.99) -> None:
        """Set the two shares. Raises `UsageError` outside 0 to 1."""
        refuse_outside("lion", 0, 1, beta1=beta1, beta2=beta2)
        self.beta1, self.beta2 = beta1, beta2

    def build(
        self, model: nn.Module, *, learning_rate: float, weight_decay: float, layer_decay: float | None = None
    ) -> torch.optim.Optimizer:
        """Return the optimizer over a model's trainable parameters."""
        groups = parameter_groups(
            model, learning_rate=learning_rate, weight_decay=weight_decay, layer_decay=layer_decay
        )
        return Lion(groups, {"lr": learning_rate, "betas": (self.beta1, self.beta2), "weight_decay": weight_decay})


class Lion(torch.optim.Optimizer):
    """The update of `Optimizer`, over all parameters of a group at once."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # the loop computes the gradients
        """Update every parameter that has a gradient once."""
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if not parameters:
                continue
            for parameter in parameters:
                if not self.state[parameter]:
                    self.state[parameter]["exp_avg"] = torch.zeros_like(parameter)
            gradients = [parameter.grad for parameter in parameters]
            moments = [self.state[parameter]["exp_avg"] for parameter in parameters]
            rate, (beta1, beta2) = group["lr"], group["betas"]
            directions = torch._foreach_lerp(moments, gradients, 1 - beta1)
            torch._foreach_sign_(directions)
            torch._foreach_mul_(parameters, 1 - rate * group["weight_decay"])
            torch._foreach_add_(parameters, directions, alpha=-rate)
            torch._foreach_lerp_(moments, gradients, 1 - beta2)
