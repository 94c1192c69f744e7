"""How many tokens one forward pass takes: found on the device before the first step, halved when memory runs out.

A step's rows are the same whatever the budget: its gradients are summed over as many passes as it needs (the effective
batch does not change), so that only the rounding of sums differs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from oreline.errors import ResourceError
from oreline.models.batch import Batch
from oreline.models.cached import StepBatch
from oreline.train.device import (
    free_bytes,
    held_bytes,
    is_out_of_memory,
    peak_anew,
    peak_since,
    release_memory,
    synchronize,
)

HALVED = "token_budget_halved"
"""Resolved: `{step: budget}`, the first step, counted from 0, that a smaller budget was needed in."""
_MARGIN = 0.9
"""Share of the free memory that the largest pass may take, moments of the optimizer included."""
_GAIN_WORTH_LESS = 1.03
"""A smaller budget is chosen where it makes so many times the tokens a second."""
_TRIED_SMALLER = 2
_SMALLEST = 256


class Budget:
    """Padded tokens of one forward pass in each step of a run."""

    def __init__(self, resolved: dict[str, Any], record: Callable[[Mapping[str, Any]], None]) -> None:
        """Read the budget from what was resolved; halvings are put there, and `record` keeps it for later runs."""
        self._resolved, self._record = resolved, record
        self.first = int(resolved["token_budget"])

    def at(self, step: int) -> int:
        """Return the budget of a step, counted from 0.

        >>> budget = Budget({"token_budget": 64, "token_budget_halved": {"3": 32, "9": 8}}, print)
        >>> [budget.at(step) for step in (0, 2, 3, 8, 9, 10)]
        [64, 64, 32, 32, 8, 8]
        """
        return min([self.first, *self._halved_by(step)])

    def is_halved(self, step: int) -> bool:
        """Whether memory ran out in a step, counted from 0, or in one before it."""
        return bool(self._halved_by(step))

    def halve(self, step: int, shapes: Sequence[tuple[int, int]]) -> int:
        """Return a budget at which a step that ran out of memory is cut smaller, from now on.

        Args:
            step: its number, counted from 0.
            shapes: rows and padded tokens a row of the passes that it was cut into.

        Raises:
            ResourceError: they hold one row each already.
        """
        cuttable = max((rows * tokens for rows, tokens in shapes if rows > 1), default=0)
        if not cuttable:
            raise does_not_fit(f"one row of {max(tokens for _, tokens in shapes):,} tokens")
        # Twice the largest pass may fit the budget too: half of the budget would then change nothing.
        budget = max(min(self.at(step), cuttable) // 2, 1)
        self._resolved[HALVED] = {**self._resolved.get(HALVED, {}), str(step): budget}
        self._record(self._resolved)
        return budget

    def halve_compared(self, step: int, batches: Sequence[Batch], *, may_cache: bool) -> int:
        """Do the same for a step whose texts are compared: a whole one goes through cached gradients from now on.

        Args:
            step: its number, counted from 0.
            batches: of `StepBatch`, as they ran out of memory.
            may_cache: whether gradients can be cached.

        Raises:
            ResourceError: they cannot, or its parts hold one row each already.
        """
        first = batches[0]
        if not isinstance(first, StepBatch):
            raise ValueError("this step's texts are not compared")
        shapes = [(part.ids_BT.shape[0], part.ids_BT.shape[1]) for part in first.parts]
        if first.cache is None:
            if not may_cache:
                raise step_does_not_fit(first.num_rows)
            num_texts = sum(rows for rows, _ in shapes)
            shapes = [(num_texts, -(-first.ids_BT.numel() // num_texts))]  # all of them lay there at once
        return self.halve(step, shapes)

    def _halved_by(self, step: int) -> list[int]:
        halved: Mapping[str, int] = self._resolved.get(HALVED, {})
        return [int(budget) for since, budget in halved.items() if int(since) <= step]


def told_of(budget: int, step: int | None) -> str:
    """Say that passes are smaller since memory ran out in a step, counted from 0, or (None) in a trial before them."""
    why = "a trial ran out of memory:" if step is None else f"step {step + 1:,} ran out of memory: from here on,"
    return f"warning: {why} passes of {budget:,} padded tokens at most; the rows of a step stay the same"


def does_not_fit(
    what: str, remedy: str = "train.gradient_checkpointing=true, a smaller train.max_tokens, or the method lora or head"
) -> ResourceError:
    """Return the error for what no smaller pass makes fit."""
    return ResourceError(f"the memory does not suffice to train on {what}", remedy=remedy)


def step_does_not_fit(num_rows: int) -> ResourceError:
    """Return the error for a step whose rows cannot be passed in smaller parts."""
    return does_not_fit(
        f"a step of {num_rows:,} rows",
        "a smaller train.rows_per_step or train.max_tokens, or train.gradient_checkpointing=true",
    )


def largest_that_fits(
    model: nn.Module,
    make: Callable[[int], Batch],
    loss: Callable[[Any, Batch], Tensor],
    *,
    upper: int,
    reserved_bytes: int,
    bf16: bool,
) -> int:
    """Return the token budget that a GPU makes the most tokens a second with, of those that fit.

    Budgets are tried from `upper` downwards, a half each time: the first that fits, and two more for their speed.
    Gradients are cleared; whoever calls sets the random generators back.

    Args:
        model: what is trained, on the GPU.
        make: puts the longest rows into one batch of a budget.
        loss: the loss as it is trained with.
        upper: padded tokens of the largest step, more than which no pass needs.
        reserved_bytes: what will lie beside weights, gradients and activations.
        bf16: run the forward pass under autocast.

    Raises:
        ResourceError: not even the smallest pass fits.
    """
    best, best_rate, tried = 0, 0.0, 0
    budget = upper
    while tried <= _TRIED_SMALLER and (budget >= _SMALLEST or not best):
        batch = make(budget)
        rate = _tokens_per_s(model, batch, loss, reserved_bytes, bf16)
        if rate is None and batch.num_rows == 1:
            raise does_not_fit(f"one row of {batch.ids_BT.shape[1]:,} tokens")
        if rate is not None:
            tried += 1
            if rate > best_rate * (_GAIN_WORTH_LESS if best else 0):
                best, best_rate = budget, rate
        budget //= 2
    return best


def _tokens_per_s(
    model: nn.Module, batch: Batch, loss: Callable[[Any, Batch], Tensor], reserved_bytes: int, bf16: bool
) -> float | None:
    """Return the speed of a forward and a backward pass; None where memory does not suffice for them."""
    device = batch.ids_BT.device.type
    model.train()
    release_memory(device)
    free, held, begun = free_bytes(device), held_bytes(device), 0.0
    peak_anew(device)
    try:
        for _ in range(3):  # the first one builds what the later ones use
            synchronize(device)
            begun = time.perf_counter()
            with torch.autocast(device, torch.bfloat16, enabled=bf16):
                summed = loss(model, batch)
            summed.backward()  # type: ignore[no-untyped-call]
            synchronize(device)
        spent_s = time.perf_counter() - begun
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return None
    finally:
        model.zero_grad(set_to_none=True)
    needed = peak_since(device) - held + reserved_bytes
    return batch.ids_BT.numel() / spent_s if needed <= _MARGIN * free else None
