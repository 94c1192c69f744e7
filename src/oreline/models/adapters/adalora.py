"""Adaptive budget allocation for LoRA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peft
import torch
from peft.tuners.adalora.layer import RankAllocator
from torch import Tensor, nn

from oreline.errors import UsageError
from oreline.models.adapting import QUERY_VALUE, Plain, encoder_of, refuse_wide, targeted
from oreline.models.injected import inject, injected, refuse_share

_NAME = "default"
_SCORES = ("exp_avg_ipt", "exp_avg_unc")
"""What `peft` calls the running means of importance and of its uncertainty."""


class _Memory(nn.Module):
    """What the allocation remembers, as buffers, for checkpoints: steps made, scores, which ranks are on."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.scored = [name for name in dict(encoder.named_parameters()) if ".lora_" in name]
        self.masked = list(injected(encoder, "lora_E"))
        self.step = nn.Buffer(torch.zeros((), dtype=torch.int64))
        parameters = dict(encoder.named_parameters())
        for number, name in enumerate(self.scored):
            for score in _SCORES:
                self.register_buffer(f"{score}_{number}", torch.zeros_like(parameters[name]))
        for number, name in enumerate(self.masked):
            self.register_buffer(f"on_{number}", torch.ones_like(parameters[name]))

    def scores(self, score: str) -> dict[str, Tensor]:
        """Return one kind of score by the parameters' names."""
        return {name: self.get_buffer(f"{score}_{number}") for number, name in enumerate(self.scored)}

    def on(self) -> dict[str, Tensor]:
        """Return which ranks are on, by the names of the singular values."""
        return {name: self.get_buffer(f"on_{number}") for number, name in enumerate(self.masked)}


class Adapter(Plain):
    """AdaLoRA: the change of each matrix is P Λ Q; the least important singular values are switched off in training.

    Importance is measured from weights and gradients in each step; the ranks that stay are those that matter most over
    all matrices together. A penalty keeps P and Q near orthogonal. Source: Zhang et al.,
    https://arxiv.org/abs/2303.10512.

    Args:
        rank: singular values that stay in the end, on average for a matrix.
        initial_rank: singular values of each matrix in the beginning.
        alpha: strength; the change is scaled by alpha / initial_rank.
        dropout: share of the inputs of Q that are dropped while training.
        targets: linear layers by name or pattern, such as `[key, output.dense]`; `query_value` are those of each
            attention, whatever the architecture calls them, and `all` is every one inside the layers.
        layers: numbers of the layers that it is put into, from 0, or from -1 at the top; all when not given. What lies
            below them is frozen and computed once.
        warmup: share of the steps before the first singular value is switched off.
        settled: share of the steps, the last ones, in which the ranks stay as they are.
        orthogonality: weight of the penalty.
    """

    learning_rate = 2e-3
    merges = True

    def __init__(
        self,
        *,
        rank: int = 8,
        initial_rank: int = 12,
        alpha: float = 16.0,
        dropout: float = 0.0,
        targets: Sequence[str] | str = QUERY_VALUE,
        layers: Sequence[int] | None = None,
        warmup: float = 0.1,
        settled: float = 0.3,
        orthogonality: float = 0.1,
    ) -> None:
        if not 1 <= rank < initial_rank:
            raise UsageError(f"rank is {rank}, initial_rank {initial_rank}", allowed="1 <= rank < initial_rank")
        if not 0 <= warmup + settled < 1 or min(warmup, settled, orthogonality) < 0:
            raise UsageError(f"warmup is {warmup}, settled {settled}", allowed="shares whose sum is below 1")
        self.rank, self.initial_rank, self.alpha, self.dropout = rank, initial_rank, alpha, dropout
        self.targets, self.layers = targets, layers
        self.warmup, self.settled, self.orthogonality = warmup, settled, orthogonality

    def apply(self, model: Any) -> None:
        """Put P, Λ and Q beside the targeted layers."""
        encoder = encoder_of(model)
        names = targeted(encoder, self.targets, self.layers)
        refuse_wide(encoder, names, "initial_rank", self.initial_rank)
        refuse_share("dropout", self.dropout)
        inject(model, self._config(names, num_steps=1))
        encoder.adapter_memory = _Memory(encoder)

    def watch(self, model: Any, optimizer: Any, num_steps: int) -> None:
        """Score the ranks after each step, while the gradients are there, and switch off what is over the budget."""
        encoder = encoder_of(model)
        config = self._config([], num_steps=num_steps)
        allocator = RankAllocator(encoder, config, _NAME)
        optimizer.register_step_post_hook(lambda *_: _allocate(encoder, allocator, config))

    def penalty(self, model: Any) -> Tensor:
        """Return the mean over all P and Q of how far they are from orthogonal, in Frobenius norm, times its weight."""
        encoder = encoder_of(model)
        grams = [q @ q.T for q in injected(encoder, "lora_A").values()]
        grams += [p.T @ p for p in injected(encoder, "lora_B").values()]
        far = torch.stack([torch.linalg.matrix_norm(gram - torch.eye(len(gram), device=gram.device)) for gram in grams])
        return self.orthogonality * far.mean()

    def _config(self, names: list[str], *, num_steps: int) -> Any:
        config = peft.AdaLoraConfig(
            target_r=self.rank,
            init_r=self.initial_rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules=names,
            total_step=num_steps,
        )
        config.tinit, config.tfinal = int(self.warmup * num_steps), int(self.settled * num_steps)
        return config


@torch.no_grad()
def _allocate(encoder: Any, allocator: RankAllocator, config: Any) -> None:
    memory: _Memory = encoder.adapter_memory
    memory.step.add_(1)
    step, last = int(memory.step), config.total_step - config.tfinal
    parameters = dict(encoder.named_parameters())
    if step > last:
        for name, on in memory.on().items():
            parameters[name].mul_(on)
        return
    for score in _SCORES:
        setattr(allocator, score, dict(memory.scores(score)))
    allocator.ipt = {name: torch.zeros_like(parameters[name]) for name in memory.scored}
    if step < last:
        allocator.update_and_allocate(encoder, step)
    else:  # the budget is met now, whatever the interval says
        allocator.update_ipt(encoder)
        allocator.mask_to_budget(encoder, allocator.target_bgt)
        for name, on in memory.on().items():
            on.copy_(parameters[name] != 0)
    for score in _SCORES:
        for name, kept in memory.scores(score).items():
            kept.copy_(getattr(allocator, score)[name])
