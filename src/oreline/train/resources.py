"""What a training run resolves on its machine, and what it forecasts before the first step.

Resolved values are kept in the workspace and in the artifact: a run that continues, or is made again, uses them and
probes nothing, so that the same recipe, data and seed give the same weights.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn

from oreline.memory import hole_bytes
from oreline.models.attention import skipped_weights
from oreline.models.batch import Batch
from oreline.models.checkpointing import is_checkpointed
from oreline.recipe import TrainOptions
from oreline.store import write_json
from oreline.train.device import held_bytes, peak_anew, peak_since, random_state, set_random_state, synchronize
from oreline.train.forecasts import Forecast
from oreline.train.precision import best_device, probe
from oreline.train.workspace import Workspace

_FILE = "resolved.json"
_PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "oreline")
_CPU_TOKEN_BUDGET, _GPU_TOKEN_BUDGET = 2048, 32768
_TIMED_PASSES, _TIMED_S = 3, 1.0
_BYTES_PER_S = {"cpu": 20e9, "cuda": 1.5e12}
"""Memory bandwidth that an optimizer's update reaches."""
_SHAPE_BYTES, MOST_SHAPES = 11 * 2**20, 65
"""On a CPU, oneDNN compiles the products of bf16 for each shape of a pass and keeps their code, whatever the model's
width and depth (measured with 384 and 768, 1 and 2 layers); beyond about so many shapes, the oldest goes."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a forecast is measured on."""

    steps: Sequence[Sequence[Batch]]
    """The passes of one step, or of two that differ in their tokens."""
    mean_tokens: float = 0.0
    """Padded tokens of a step, the average of a run; 0: as many as those given."""
    largest: Batch | None = None
    """The pass that takes the most memory; the first one when not given."""
    num_shapes: int = 0
    """Distinct shapes of a run's passes; 0: those given."""

    @property
    def largest_tokens(self) -> int:
        """Padded tokens of the largest pass."""
        return (self.largest or self.steps[0][0]).ids_BT.numel()

    def code_bytes(self, *, bf16: bool) -> int:
        """Return what is compiled for shapes that the trial does not meet."""
        met = {batch.ids_BT.shape for step in [*self.steps, [self.largest or self.steps[0][0]]] for batch in step}
        on_cpu = self.steps[0][0].ids_BT.device.type == "cpu"
        more = min(self.num_shapes, MOST_SHAPES) - len(met)
        return _SHAPE_BYTES * max(more, 0) if bf16 and on_cpu else 0


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


@dataclass(slots=True)
class Measured:
    """What was done inside `measuring` took."""

    held_bytes: int
    """Memory that was held before."""
    seconds: float = 0.0
    more_bytes: int | None = None
    """The most that was held beside it; None where the system does not count."""


@contextlib.contextmanager
def measuring(device: str) -> Iterator[Measured]:
    """Measure the time and the memory of what is done inside; they are there when it has ended."""
    found = Measured(held_bytes(device))
    can_count = peak_anew(device)
    begun = time.perf_counter()
    yield found
    synchronize(device)
    found.seconds = time.perf_counter() - begun
    if can_count:
        found.more_bytes = max(peak_since(device) - found.held_bytes, 0)


def forecast_of(
    model: nn.Module, step_s: float, measured: Measured, *, copies: int, averaged: bool, passes_bytes: int
) -> Forecast:
    """Return the forecast of steps that take `step_s` without their update, and are `measured` to take this memory.

    Args:
        model: what is trained; its optimizer has been built, so that embeddings have the gradients they will have.
        step_s: of a mean step.
        measured: the gradients of the largest pass.
        copies: copies of the trained weights that lie beside them.
        averaged: one of the copies is an average, which takes the weights in after each step.
        passes_bytes: what the activations of a pass take, where the system does not count.
    """
    size = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    in_pass = passes_bytes + 4 * size if measured.more_bytes is None else measured.more_bytes
    moments = 4 * copies * size + moment_bytes(model)
    written = 4 * sum(parameter.numel() for parameter in model.parameters())  # weights on their way to the disk
    moved = (28 + 12 * averaged) * size  # bytes, by an AdamW step and by the average
    device = next(model.parameters()).device.type
    step_s += moved / _BYTES_PER_S[device]
    return Forecast(step_s, measured.held_bytes + moments + max(in_pass, written))


def forecast(
    model: nn.Module,
    batches: Sequence[Batch] | Trial,
    loss: Callable[[Any, Batch], Tensor],
    *,
    bf16: bool,
    passes: int = 1,
    copies: int = 0,
    averaged: bool = False,
    frozen_layers: int = 0,
) -> Forecast:
    """Time one or two steps, and measure what the largest pass takes beside the weights; moments and copies are added.

    Leaves no trace: gradients are cleared and the random generators are set back, so that training is the same with and
    without it. What does not fit shows now, not after an hour.

    Args:
        model: what is trained; its optimizer has been built, so that embeddings have the gradients they will have.
        batches: those of one step, or a `Trial`.
        loss: the loss as it is trained with, in all its wraps.
        bf16: run the forward pass under autocast.
        passes: forward passes whose activations one loss keeps at once.
        copies: copies of the trained weights that lie beside them.
        averaged: one of the copies is an average, which takes the weights in after each step.
        frozen_layers: so many of the lowest layers keep nothing for the backward pass.
    """
    trial = batches if isinstance(batches, Trial) else Trial([batches])
    state, device = random_state(), next(model.parameters()).device.type
    model.train()
    largest = trial.largest or trial.steps[0][0]
    with measuring(device) as measured:
        _pass(model, largest, loss, bf16)
        # Passes of several lengths leave holes that the next one does not fit in: more is held than the largest takes.
        step_s = _mean_step_s(trial, lambda batch: _pass(model, batch, loss, bf16))
    set_random_state(state)
    passes_bytes = passes * activation_bytes(model, trial.largest_tokens, frozen_layers)
    told = forecast_of(model, step_s, measured, copies=copies, averaged=averaged, passes_bytes=passes_bytes)
    more = trial.code_bytes(bf16=bf16) + (hole_bytes(told.memory_bytes) if device == "cpu" else 0)
    return replace(told, memory_bytes=told.memory_bytes + more)


def update_s(optimizer: torch.optim.Optimizer) -> float:
    """Return what an update takes beside moving weights and moments, as an optimizer that computes more tells it."""
    measure: Callable[[], float] | None = getattr(optimizer, "update_s", None)
    return measure() if measure is not None else 0.0


def _pass(model: nn.Module, batch: Batch, loss: Callable[[Any, Batch], Tensor], bf16: bool) -> None:
    device = batch.ids_BT.device.type
    with torch.autocast(device, torch.bfloat16, enabled=bf16):
        summed = loss(model, batch)
    summed.backward()  # type: ignore[no-untyped-call]
    model.zero_grad(set_to_none=True)
    synchronize(device)


def _mean_step_s(trial: Trial, run: Callable[[Batch], None]) -> float:
    """Return the time of a mean step: a line through the times of the steps, over their padded tokens."""
    tokens = [sum(batch.ids_BT.numel() for batch in step) for step in trial.steps]
    times: list[list[float]] = [[] for _ in trial.steps]
    begun = time.perf_counter()
    while len(times[0]) < _TIMED_PASSES and (not times[0] or time.perf_counter() - begun < _TIMED_S):
        for step, own in zip(trial.steps, times):
            start = time.perf_counter()
            for batch in step:
                run(batch)
            own.append(time.perf_counter() - start)
    means = [sum(own) / len(own) for own in times]
    wanted = trial.mean_tokens or sum(tokens) / len(tokens)
    per_token = (means[-1] - means[0]) / (tokens[-1] - tokens[0]) if tokens[-1] != tokens[0] else 0.0
    line = sum(means) / len(means) + max(per_token, 0.0) * (wanted - sum(tokens) / len(tokens))
    return max(line, 0.1 * min(means))


def moment_bytes(model: nn.Module) -> int:
    """Return what AdamW remembers: two numbers a trained weight, one of those of a table that is updated by row."""
    by_row = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding) and m.sparse}
    return sum((4 if id(p) in by_row else 8) * p.numel() for p in model.parameters() if p.requires_grad)


def activation_bytes(model: nn.Module, num_tokens: int, frozen_layers: int = 0) -> int:
    """Return the bytes that a forward pass keeps for the backward one: 34 values a token, layer and unit of width.

    With gradient checkpointing it is the input of each layer, and one layer as a whole.

    Source: Korthikanti et al., Reducing Activation Recomputation in Large Transformer Models, 2022, equation 1 (its
    bytes at 16 bits are taken as values of 4 bytes over 2).
    """
    config: Any = model.config
    layers = int(getattr(config, "num_hidden_layers", 1)) - frozen_layers
    whole = 2 * 34 * num_tokens * int(config.hidden_size)
    return whole + 4 * layers * num_tokens * int(config.hidden_size) if is_checkpointed(model) else whole * layers


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
