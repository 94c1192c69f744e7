"""The one loop: the only place where an optimizer steps.

`fit` is a generator: whoever drives it saves, logs, shows progress, evaluates and stops. Pretraining, fine-tuning
and updating differ in their batches and their loss only.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from oreline.memory import Holes
from oreline.models.batch import Batch
from oreline.recipe import Schedule
from oreline.train.budget import step_does_not_fit
from oreline.train.device import is_out_of_memory, random_state, release_memory, set_random_state

Smaller = Callable[[int, Sequence[Batch]], Sequence[Batch]]
"""`smaller(step, batches)` returns the same rows in smaller batches; steps are counted from 0."""


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step that has just been made."""

    number: int
    """Steps made so far, this one included."""
    loss: Tensor
    """Mean loss of the step's rows, on the device: reading it is the caller's choice."""
    learning_rate: float
    num_rows: int
    num_tokens: int


@dataclass(frozen=True, slots=True)
class Cuttable:
    """Steps whose rows can be put into smaller batches."""

    steps: Iterable[Sequence[Batch]]
    smaller: Smaller

    def __iter__(self) -> Iterator[Sequence[Batch]]:
        return iter(self.steps)


def fit(
    model: nn.Module,
    steps: Iterable[Sequence[Batch]],
    loss: Callable[[Any, Batch], Tensor],
    optimizer: torch.optim.Optimizer,
    *,
    schedule: Callable[[int], float],
    first: int = 0,
    clip_norm: float = math.inf,
    bf16: bool = False,
) -> Iterator[Step]:
    """Make one optimizer step for each element of `steps`.

    Args:
        model: what is trained; set to training mode before every step, so the caller may evaluate in between.
        steps: the batches behind each step; their gradients add up. A step of a `Cuttable` that runs out of memory is
            made again in smaller batches; any other is an error.
        loss: `loss(model, batch)` returns the sum of the batch's loss terms, `batch.weight` of them.
        optimizer: steps once for each element; a group's `scale` multiplies its rate.
        schedule: learning rate of step number n, counted from 0.
        first: number of steps made already (a run that continues).
        clip_norm: gradients longer than this are scaled down to it.
        bf16: run the forward pass under autocast.

    Raises:
        ResourceError: the memory does not suffice.

    Yields:
        A `Step` after each update.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    device = parameters[0].device.type
    # Beside a GPU, this process holds gigabytes of libraries, and a pass is too short to search them for freed memory.
    holes = Holes() if device == "cpu" else None
    for number, batches in enumerate(steps, start=first):
        model.train()
        rate = schedule(number)
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("scale", 1.0)
        state = random_state()
        while (summed := _gradients(model, batches, loss, bf16, holes)) is None:
            # The step is made again, from where it began: only how its rows are cut is another.
            optimizer.zero_grad(set_to_none=True)
            release_memory(device)
            set_random_state(state)
            if not isinstance(steps, Cuttable):
                raise step_does_not_fit(sum(batch.num_rows for batch in batches))
            batches = steps.smaller(number, batches)
        clip_gradients(parameters, clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        yield Step(
            number=number + 1,
            loss=summed,
            learning_rate=rate,
            num_rows=sum(batch.num_rows for batch in batches),
            num_tokens=sum(batch.num_tokens for batch in batches),
        )


def _gradients(
    model: nn.Module,
    batches: Sequence[Batch],
    loss: Callable[[Any, Batch], Tensor],
    bf16: bool,
    holes: Holes | None = None,
) -> Tensor | None:
    """Add up the gradients of a step; returns its mean loss, or None where memory ran out before the end."""
    total = sum(batch.weight for batch in batches) or 1.0  # a step without a term has no gradient, and no NaN
    device = batches[0].ids_BT.device.type
    summed = torch.zeros((), device=device)
    try:
        for batch in batches:
            with torch.autocast(device, torch.bfloat16) if bf16 else contextlib.nullcontext():
                terms = loss(model, batch) / total
            terms.backward()  # type: ignore[no-untyped-call]
            summed += terms.detach()
            del terms
            if holes is not None:
                holes.close_large()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return None  # the error holds what was computed so far: it must be gone before the next try
    return summed


def schedule(name: Schedule, peak: float, num_steps: int, warmup: float) -> Callable[[int], float]:
    """Return a learning rate that rises linearly over a share of the steps, then falls or stays.

    With w steps of warm-up and t the share of the steps after them that are made: `linear` is peak (1 − t), `cosine`
    peak (1 + cos π t) / 2 (https://arxiv.org/abs/1608.03983), `constant` the peak, and `inverse_sqrt` peak √(w / n) in
    step n, counted from 1 (https://arxiv.org/abs/1706.03762).

    >>> for name in ("linear", "cosine", "constant", "inverse_sqrt"):
    ...     rate = schedule(name, 1.0, num_steps=10, warmup=0.2)
    ...     print([round(rate(step), 3) for step in range(10)])
    [0.5, 1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]
    [0.5, 1.0, 1.0, 0.962, 0.854, 0.691, 0.5, 0.309, 0.146, 0.038]
    [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    [0.5, 1.0, 0.816, 0.707, 0.632, 0.577, 0.535, 0.5, 0.471, 0.447]
    """
    rising = math.ceil(num_steps * warmup)
    falling = max(num_steps - rising, 1)

    def rate(step: int) -> float:
        if step < rising:
            return peak * (step + 1) / rising
        left = max(num_steps - step, 0)
        match name:
            case "linear":
                return peak * left / falling
            case "cosine":
                return peak * (1 + math.cos(math.pi * (1 - left / falling))) / 2
            case "constant":
                return peak
            case "inverse_sqrt":
                return peak * math.sqrt(max(rising, 1) / (step + 1))

    return rate


def clip_gradients(parameters: Sequence[Tensor], max_norm: float) -> None:
    """Scale all gradients down so that their joint norm is at most `max_norm`; sparse ones are coalesced.

    A norm that is not finite raises nothing: the step is then spoilt, and the loss shows it.
    """
    values = []
    for parameter in parameters:
        if parameter.grad is None:
            continue
        if parameter.grad.is_sparse:
            parameter.grad = parameter.grad.coalesce()
            values.append(parameter.grad._values())  # the public accessor copies under autograd
        else:
            values.append(parameter.grad)
    if not values or math.isinf(max_norm):
        return
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(values)))
    if norm.device.type == "cpu" and norm <= max_norm:
        return  # spares a pass over all gradients; on a GPU the comparison would wait for the device
    torch._foreach_mul_(values, torch.clamp(max_norm / (norm + 1e-6), max=1.0))
