"""What an encoder's training will take, measured on a few of its own passes before the first step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from oreline.models.adapting import num_trained
from oreline.runtime.batching import length_batches, take
from oreline.runtime.samples import NUM_REFERENCE
from oreline.train.budget import largest_that_fits
from oreline.train.device import (
    free_bytes,
    held_bytes,
    peak_anew,
    peak_since,
    random_state,
    release_memory,
    set_random_state,
    unless_memory_runs_out,
)
from oreline.train.forecasts import END_S, Forecast
from oreline.train.precision import best_device
from oreline.train.resources import forecast, moment_bytes, update_s

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from oreline.train.encoder import EncoderTraining
    from oreline.train.job import Job
    from oreline.train.passes import Passes
    from oreline.train.regularize import Loss
    from oreline.types import Encoded

_READ_ROWS = 64
"""Rows that are read without gradients for it."""


def probed_budget(training: EncoderTraining, passes: Passes, loss: Loss, *, bf16: bool) -> int:
    """Return the token budget that fits on the device and makes the most tokens a second.

    Raises `ResourceError` where not even the longest row fits alone.
    """
    longest = passes.longest(1 << 62)
    state = random_state()
    budget = largest_that_fits(
        training.model,
        lambda budget: training.sample(passes.longest(budget), bf16=bf16),
        loss,
        upper=len(longest) * int(training.lengths_N[longest].max()),
        reserved_bytes=moment_bytes(training.model) + 4 * training.regularized.copies * num_trained(training.model)[0],
        bf16=bf16,
    )
    set_random_state(state)
    return budget


def foretold_steps(
    training: EncoderTraining, passes: Passes, loss: Loss, optimizer: torch.optim.Optimizer, *, bf16: bool
) -> int:
    """Return how many steps are made, within the minutes that are allowed, and say what they will take.

    Raises `ResourceError` where not even the longest row fits alone.
    """
    job = training.job
    num_steps = max(round(passes.per_epoch * job.options.epochs), 1)
    measured = measured_steps(training, passes, loss, bf16=bf16)
    return announced(job, measured, optimizer, num_steps=num_steps, per_epoch=passes.per_epoch, num_rows=len(job.train))


def announced(
    job: Job,
    measured: Forecast,
    optimizer: torch.optim.Optimizer,
    *,
    num_steps: int,
    per_epoch: int,
    num_rows: int,
) -> int:
    """Say what steps will take that were measured without their update; returns how many the minutes allow."""
    measured = replace(measured, step_s=measured.step_s + update_s(optimizer))
    if job.options.minutes is not None:
        num_steps = min(num_steps, measured.steps_within(job.options.minutes * 60))
    job.on_event(measured.event(num_steps, num_rows, num_steps / per_epoch))
    device = best_device()
    more, free = measured.memory_bytes - held_bytes(device), free_bytes(device)
    if 0 < free < more:  # a CPU that runs out of memory ends the process: nothing could be said then
        job.say(
            f"warning: {more / 2**30:.1f} GiB more are needed and {free / 2**30:.1f} are free: take a smaller "
            "train.token_budget, train.gradient_checkpointing=true, or the method lora or head"
        )
    return num_steps


def measured_steps(training: EncoderTraining, passes: Passes, loss: Loss, *, bf16: bool) -> Forecast:
    """Return what steps take without their update; the budget is halved while the memory does not suffice for a pass.

    Raises `ResourceError` where not even the longest row fits alone.
    """
    return tried(training, lambda: _measured(training, passes, loss, bf16), passes.halve_before_the_first)


def tried(training: EncoderTraining, measure: Callable[[], Forecast], halve: Callable[[], None]) -> Forecast:
    """Return what is measured; while memory runs out, what was left is cleared and `halve` makes it smaller."""
    state = random_state()
    while (measured := unless_memory_runs_out(measure)) is None:
        training.model.zero_grad(set_to_none=True)
        set_random_state(state)
        release_memory(training.device)
        halve()
    return measured


def _measured(training: EncoderTraining, passes: Passes, loss: Loss, bf16: bool) -> Forecast:
    frozen = training.frozen
    begun = time.perf_counter()
    trial = passes.trial(lambda rows: training.sample(rows, bf16=bf16))
    tokens = sum(batch.ids_BT.numel() for step in trial.steps for batch in step) + trial.largest_tokens
    states_s = (time.perf_counter() - begun) * trial.mean_tokens / tokens
    measured = forecast(
        training.model,
        trial,
        loss,
        bf16=bf16,
        frozen_layers=frozen.prefix.num_layers if frozen else 0,
        **training.regularized.foretold,
    )
    row_s, num_dev = _row_s(training), len(training.job.dev) if training.job.dev is not None else 0
    # At the end the kept weights are scored, and so many rows are answered for the artifact's sample.
    end_s = END_S + row_s * (num_dev + min(num_dev or len(training.job.train), NUM_REFERENCE))
    every = training.evaluate_every(passes) if num_dev else 0
    measured = replace(measured, scored_every=every, scoring_s=training.scoring_s(row_s), end_s=end_s)
    return frozen.forecast(measured, states_s, passes.per_epoch) if frozen else measured


def measured_reading(training: EncoderTraining) -> tuple[float, int]:
    """Return the seconds that reading a training row takes without gradients, and the memory held while it is read.

    Rows of words are read in their windows.
    """
    pieces = training.pieces
    rows = of_all_lengths(pieces)
    peak_anew(training.device)
    training.embeddings(take(pieces, rows[:1]))  # the first call builds what later ones use
    begun = time.perf_counter()
    training.embeddings(take(pieces, rows))
    spent_s = time.perf_counter() - begun
    a_row_s = spent_s * times_the_sample(training, pieces, rows) / len(training.train.ids)
    return a_row_s, peak_since(training.device)


def _row_s(training: EncoderTraining) -> float:
    """Return what answering a row of dev takes, or of train where there is no dev."""
    encoded = training.dev if training.dev is not None and training.dev.ids else training.train
    rows = of_all_lengths(encoded)
    begun = time.perf_counter()
    training.outputs(take(encoded, rows))
    return (time.perf_counter() - begun) * times_the_sample(training, encoded, rows) / len(encoded.ids)


def times_the_sample(training: EncoderTraining, encoded: Encoded, rows: NDArray[np.int64]) -> float:
    """Return how many times as many padded tokens all rows have: of few rows, those of one batch differ in length."""
    lengths_N, budget = np.asarray([len(ids) for ids in encoded.ids], dtype=np.int64), training.predict_tokens
    whole, sample = (
        sum(len(batch) * int(chosen_N[batch].max()) for batch in length_batches(chosen_N, budget))
        for chosen_N in (lengths_N, lengths_N[rows])
    )
    return whole / sample


def of_all_lengths(encoded: Encoded) -> NDArray[np.int64]:
    """Return some rows, the shortest and the longest and some between."""
    order = np.argsort([len(ids) for ids in encoded.ids], kind="stable")
    return order[:: max(len(order) // _READ_ROWS, 1)]
