"""Muon for the matrices of the hidden layers, AdamW for everything else."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import Any

import torch
from torch import Tensor, nn

from oreline.errors import UsageError
from oreline.train.device import synchronize
from oreline.train.optimizers.groups import hidden_matrices, parameter_groups, refuse_outside

_TIMED = 3
"""Updates of a matrix that are timed."""


class Optimizer:
    """Muon: a step of a matrix is its momentum with all singular values made one, times 0.2 √(longer side).

    Source: Jordan et al., https://kellerjordan.github.io/posts/muon/ (torch's own: five Newton–Schulz iterations in
    bf16 bring the singular values near 1); the factor is of Liu et al., https://arxiv.org/abs/2502.16982, and gives the
    step the size of an AdamW step, so that the usual rate and decay are AdamW's. Embeddings, the head, norms and biases
    are updated by AdamW at the same rate. Decoupled decay, not on biases and norms.

    Five iterations on an m by n matrix (m ≤ n) take 20 m²n + 10 m³ operations, as many as the gradients of 3 to 5 m
    tokens: with few rows in a step, they take most of the time. They are measured for the forecast before the first
    step.

    Args:
        momentum: decay of the matrices' moment.
        nesterov: look ahead along the momentum.
        ns_steps: number of Newton–Schulz iterations.
        beta1: decay of AdamW's first moment.
        beta2: decay of AdamW's second moment.
        eps: floor of AdamW's denominator.
    """

    def __init__(
        self,
        *,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_steps: int = 5,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        """Set both optimizers' constants. Raises `UsageError` for what they refuse, and for a torch without Muon."""
        if not hasattr(torch.optim, "Muon"):
            raise UsageError(f"muon needs torch 2.9, this is {torch.__version__}", remedy="pip install 'torch>=2.9'")
        refuse_outside("muon", 0, 1, momentum=momentum, beta1=beta1, beta2=beta2)
        refuse_outside("muon", 0, math.inf, eps=eps)
        refuse_outside("muon", 1, 100, ns_steps=ns_steps)
        self.momentum, self.nesterov, self.ns_steps = momentum, nesterov, ns_steps
        self.betas, self.eps = (beta1, beta2), eps

    def build(
        self, model: nn.Module, *, learning_rate: float, weight_decay: float, layer_decay: float | None = None
    ) -> torch.optim.Optimizer:
        """Return the optimizer over a model's trainable parameters."""
        hidden = {id(parameter) for parameter in hidden_matrices(model)}
        groups = parameter_groups(
            model, learning_rate=learning_rate, weight_decay=weight_decay, layer_decay=layer_decay
        )
        by_muon, by_adamw = (
            [
                {**group, "params": chosen}
                for group in groups
                if (chosen := [parameter for parameter in group["params"] if (id(parameter) in hidden) is wanted])
            ]
            for wanted in (True, False)
        )
        parts: list[torch.optim.Optimizer] = []
        if by_muon:
            muon = torch.optim.Muon(
                by_muon,
                lr=learning_rate,
                momentum=self.momentum,
                nesterov=self.nesterov,
                ns_steps=self.ns_steps,
                adjust_lr_fn="match_rms_adamw",
            )
            parts.append(muon)
        if by_adamw:
            parts.append(torch.optim.AdamW(by_adamw, lr=learning_rate, betas=self.betas, eps=self.eps, fused=True))
        return Joined(parts)


class Joined(torch.optim.Optimizer):
    """Several optimizers as one: their groups in one list, their moments in one table, so that one checkpoint does."""

    def __init__(self, parts: list[torch.optim.Optimizer]) -> None:
        """Take over the groups of optimizers that have made no step yet."""
        super().__init__([group for part in parts for group in part.param_groups], {})
        self._parts = parts

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # the loop computes the gradients
        """Let each part update its parameters once."""
        first = 0
        for part in self._parts:
            # Handed over in every step: `load_state_dict` replaces both.
            part.state = self.state
            part.param_groups = self.param_groups[first : first + len(part.param_groups)]
            first += len(part.param_groups)
            part.step()

    def update_s(self) -> float:
        """Return what Muon's part of an update takes, measured on a copy of one matrix of each shape."""
        muon = [part for part in self._parts if isinstance(part, torch.optim.Muon)]
        matrices = [matrix for part in muon for group in part.param_groups for matrix in group["params"]]
        by_shape = {matrix.shape: matrix for matrix in matrices}
        counts = Counter(matrix.shape for matrix in matrices)
        return sum(count * _muon_s(by_shape[shape], muon[0].defaults) for shape, count in counts.items())


def _muon_s(matrix: Tensor, defaults: dict[str, Any]) -> float:
    """Return what moving one matrix takes, its gradient the matrix itself: the iterations take as long for any."""
    moved = nn.Parameter(matrix.detach().clone())
    moved.grad = matrix.detach().clone()
    optimizer: torch.optim.Optimizer = torch.optim.Muon([moved], **defaults)
    optimizer.step()  # the first one asks for memory
    synchronize(matrix.device.type)
    begun = time.perf_counter()
    for _ in range(_TIMED):
        optimizer.step()
    synchronize(matrix.device.type)
    return (time.perf_counter() - begun) / _TIMED
