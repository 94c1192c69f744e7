"""What a training run resolves on its machine, and what it forecasts before the first step.

Resolved values are kept in the workspace and in the artifact: a run that continues, or is made again, uses them and
probes nothing, so that the same recipe, data and seed give the same weights.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn

from oreline.models.attention import skipped_weights
from oreline.models.batch import Batch
from oreline.recipe import TrainOptions
from oreline.store import write_json
from oreline.train.checkpoint import Workspace
from oreline.train.precision import best_device, probe

_FILE = "resolved.json"
_PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "oreline")
_CPU_TOKEN_BUDGET, _GPU_TOKEN_BUDGET = 4096, 32768
_TIMED_PASSES = 3


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run will take."""

    step_s: float
    memory_bytes: int
    first_steps: int = 0
    """So many steps take `more_s` longer: they compute the states of frozen layers that the later ones read."""
    more_s: float = 0.0
    disk_bytes: int = 0
    """Of those states."""

    def seconds(self, num_steps: int) -> float:
        """Return what a number of steps takes."""
        return num_steps * self.step_s + min(num_steps, self.first_steps) * self.more_s

    def steps_within(self, seconds: float) -> int:
        """Return how many steps can be made in a time, at least one.

        >>> Forecast(1.0, 0, first_steps=10, more_s=0.5).steps_within(25.0)
        20
        """
        if seconds >= self.seconds(self.first_steps):
            num_steps = (seconds - self.first_steps * self.more_s) / self.step_s
        else:
            num_steps = seconds / (self.step_s + self.more_s)
        return max(int(num_steps), 1)

    def sentence(self, num_steps: int, num_rows: int, epochs: float) -> str:
        """Say it before the first step."""
        disk = f", {self.disk_bytes / 2**30:.2f} GiB of disk for what the frozen layers return" * bool(self.disk_bytes)
        seconds = self.seconds(num_steps)
        duration = f"{seconds / 60:.1f} minutes" if seconds >= 90 else f"{max(seconds, 1):.0f} seconds"
        return (
            f"{num_steps:,} steps over {num_rows:,} rows ({epochs:g} epochs): about {duration} "
            f"and {self.memory_bytes / 2**30:.1f} GiB of memory{disk}"
        )


def resolve(
    model: nn.Module, options: TrainOptions, work: Workspace, given: Mapping[str, Any] | None, threads: int
) -> dict[str, Any]:
    """Return precision, threads, token budget, peak and versions: given, kept from an earlier try, or probed now."""
    known = dict(given or {}) or work.read(_FILE)
    if known and "peak_gflops" in known:
        return dict(known)
    config: Any = model.config
    device = best_device()
    width = int(config.hidden_size)
    inner = int(getattr(config, "intermediate_size", 0) or 4 * width)
    measured = probe(width, inner, threads=threads, device=device)
    precision = measured.best_precision if options.precision == "auto" else options.precision
    return {
        "device": device,
        "precision": precision,
        "threads": threads,
        "token_budget": options.token_budget or (_CPU_TOKEN_BUDGET if device == "cpu" else _GPU_TOKEN_BUDGET),
        "peak_gflops": measured.gflops(precision),
        "versions": {name: version(name) for name in _PACKAGES},
    }


def keep(work: Workspace, resolved: Mapping[str, Any]) -> None:
    """Keep resolved values in the workspace, for a run that continues."""
    write_json(work.folder / _FILE, dict(resolved))


def forecast(
    model: nn.Module,
    batches: Sequence[Batch],
    loss: Callable[[Any, Batch], Tensor],
    *,
    bf16: bool,
    passes: int = 1,
    copies: int = 0,
    averaged: bool = False,
    frozen_layers: int = 0,
) -> Forecast:
    """Time passes over the batches of a step, and add up the memory of weights, moments and activations.

    Leaves no trace: gradients are cleared and the random generator is set back, so that training is the same with and
    without it. The largest batch should be among them: what does not fit shows now, not after an hour.

    Args:
        model: what is trained.
        batches: those of one step.
        loss: the loss as it is trained with, in all its wraps.
        bf16: run the forward pass under autocast.
        passes: forward passes whose activations one loss keeps at once.
        copies: copies of the trained weights that lie beside them.
        averaged: one of the copies is an average, which takes the weights in after each step.
        frozen_layers: so many of the lowest layers keep nothing for the backward pass.
    """
    state = torch.get_rng_state()
    model.train()
    device = next(model.parameters()).device.type
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    times = []
    for number in range(1 + _TIMED_PASSES):
        batch = batches[number % len(batches)]
        start = time.perf_counter()
        with torch.autocast(device, torch.bfloat16, enabled=bf16):
            summed = loss(model, batch)
        summed.backward()  # type: ignore[no-untyped-call]
        model.zero_grad(set_to_none=True)
        times.append(time.perf_counter() - start)
    torch.set_rng_state(state)
    frozen = sum(p.numel() for p in model.parameters()) - trainable
    largest = max(batch.ids_BT.numel() for batch in batches)
    weights = 16 * trainable + 4 * frozen  # weight, gradient and two moments (most keep fewer), four bytes each
    weights += 4 * copies * trainable
    moved = (28 + 12 * averaged) * trainable  # bytes, by an AdamW step and by the average
    update_s = moved / 20e9  # at 20 GB/s
    activations = passes * activation_bytes(model, largest, frozen_layers)
    pass_s = sum(times[1:]) / _TIMED_PASSES
    return Forecast(len(batches) * pass_s + update_s, weights + activations)


def activation_bytes(model: nn.Module, num_tokens: int, frozen_layers: int = 0) -> int:
    """Return the bytes that a forward pass keeps for the backward one: 34 values a token, layer and unit of width.

    Source: Korthikanti et al., Reducing Activation Recomputation in Large Transformer Models, 2022, equation 1 (its
    bytes at 16 bits are taken as values of 4 bytes over 2).
    """
    config: Any = model.config
    layers = int(getattr(config, "num_hidden_layers", 1)) - frozen_layers
    return 2 * 34 * num_tokens * layers * int(config.hidden_size)


def flops_per_token(model: nn.Module, *, left_out: int = 0) -> float:
    """Return floating-point operations per token of one training step: 6 for each weight of a matrix product.

    A weight that is not trained takes 2, the forward pass's, where it lies below all that is trained and nothing flows
    back to it, and 4 where gradients pass through it to something lower. Embedding look-ups multiply nothing, and what
    `first_token_only` leaves out is not counted, nor are `left_out` frozen weights, of layers whose states are given.

    Source: Kaplan et al., Scaling Laws for Neural Language Models, 2020.
    """
    tables = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    matrices = [p for p in model.parameters() if p.ndim >= 2 and id(p) not in tables]
    lowest = next((place for place, p in enumerate(matrices) if p.requires_grad), len(matrices))
    below = sum(p.numel() for p in matrices[:lowest])
    trained = sum(p.numel() for p in matrices if p.requires_grad)
    between = sum(p.numel() for p in matrices) - below - trained
    skipped = skipped_weights(model)
    of_trained = min(skipped, trained) if trained > between else 0
    below = max(below - left_out, 0)
    return 6.0 * (trained - of_trained) + 4.0 * max(between - skipped + of_trained, 0) + 2.0 * below
