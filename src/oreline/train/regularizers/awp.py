"""Adversarial weight perturbation: train at the weights' worst neighbours."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from oreline.models.batch import Batch
from oreline.train.regularize import Loss, Plain, refuse_outside


class Regularizer(Plain):
    """Adversarial weight perturbation (https://arxiv.org/abs/2004.05884): flat minima, by training at their worst edge.

    The loss is ℓ(w + v) with v = γ ‖w‖ g / ‖g‖ for each matrix w, g the gradient of the loss with respect to it. v is
    held constant: the gradient at w + v moves w. Biases, norms and embedding tables are not perturbed. The paper's
    inputs are adversarial; with `fgm` before it in the list they are so here too. A step takes twice the arithmetic.
    Weights are moved for each forward pass, up the gradient of its rows: of all regularizers it is the one whose step
    changes a little with the passes that it is cut into (`token_budget`).

    Args:
        gamma: length γ of a matrix's perturbation, as a share of its norm. The paper takes 0.005 for image models
            from scratch; the first eight steps of a pretrained MiniLM learn nothing with 0.001, and do with 0.0002.
    """

    cost, copies = 2.0, 1  # two passes, but the graph of the first is gone when the second begins
    weights_move = True

    def __init__(self, *, gamma: float = 0.0002) -> None:
        """Set the perturbation's length."""
        refuse_outside("awp", 0, math.inf, gamma=gamma)
        self.gamma = gamma
        if not gamma:
            self.cost, self.copies, self.weights_move = 1.0, 0, False

    def wrap(self, loss: Loss, head: Any) -> Loss:
        """Return the loss at the perturbed weights."""

        def at_the_edge(model: nn.Module, batch: Batch) -> Tensor:
            matrices = _matrices(model)
            clean = loss(model, batch)
            with torch.autocast(clean.device.type, enabled=False):
                gradients = torch.autograd.grad(clean, list(matrices.values()), allow_unused=True)
            moved = {
                f"model.{name}": parameter + self._perturbation(parameter.detach(), gradient)
                for (name, parameter), gradient in zip(matrices.items(), gradients)
                if gradient is not None
            }
            del clean, gradients  # not to lie in memory during the second pass
            found: Tensor = functional_call(_Loss(model, loss), moved, (batch,))
            return found

        return at_the_edge if self.gamma else loss

    def _perturbation(self, weight: Tensor, gradient: Tensor) -> Tensor:
        norm: Tensor = torch.linalg.vector_norm(gradient).clamp(min=torch.finfo(gradient.dtype).tiny)
        moved: Tensor = self.gamma * torch.linalg.vector_norm(weight) * gradient / norm
        return moved


class _Loss(nn.Module):
    """A loss as a module, so that torch can put other weights into the model while it is computed."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Batch) -> Tensor:
        return self.loss(self.model, batch)


def _matrices(model: nn.Module) -> dict[str, nn.Parameter]:
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    return {
        name: parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and parameter.ndim >= 2 and id(parameter) not in tables
    }
