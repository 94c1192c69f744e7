"""Drive the loop: checkpoints, events, dev figures, early stopping, the best weights.

The loop makes steps; this decides what happens between them. What it decides depends on the weights and the data alone,
never on the clock, so that a run that was killed and continued ends with the bit-same weights.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from oreline.errors import OrelineError
from oreline.models.batch import Batch
from oreline.recipe import TrainOptions
from oreline.train import checkpoint
from oreline.train.loop import Cuttable, Smaller, Step, fit, schedule
from oreline.train.regularize import Average
from oreline.train.tracking import tracking
from oreline.train.workspace import Workspace
from oreline.types import Event, OnEvent

_BEST = "best"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is trained, on what, for how long."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    loss: Callable[[Any, Batch], Tensor]
    steps: Callable[[int, int], Iterable[Sequence[Batch]]]
    """`steps(first, num_steps)` yields the batches of the steps `first` to `num_steps - 1`."""
    num_steps: int
    learning_rate: float
    precision: str
    flops_per_token: float
    peak_gflops: float
    flops_beside: Callable[[], float] = lambda: 0.0
    """Floating-point operations made so far besides those: states of frozen layers."""
    evaluate: Callable[[], tuple[tuple[float, ...], dict[str, float]]] | None = None
    """Returns what to maximise (compared as a tuple) and the figures to log."""
    evaluate_every: int = 0
    smaller: Smaller | None = None
    """Cuts a step that ran out of memory into smaller batches; without it, that is an error."""
    average: Average | None = None
    """Averaged weights, which dev is scored with and the run ends with."""
    logs: Path | None = None
    watch: contextlib.AbstractContextManager[Any] | None = None
    """Entered before the first step and left before it updates anything: a forecast is measured on its gradients."""
    stage: str = "train"


@dataclass(slots=True)
class Progress:
    """What a checkpoint remembers besides weights."""

    step: int = 0
    best: list[float] | None = None
    best_step: int = 0
    best_last: float | None = None
    """The highest of the last numbers to maximise: minus the loss, where evaluations tell one."""
    evaluations_without_gain: int = 0
    stopped: bool = False
    history: list[dict[str, float]] = field(default_factory=list)


def run(plan: Plan, options: TrainOptions, work: Workspace, on_event: OnEvent, config: Mapping[str, Any]) -> Progress:
    """Train to the end (continuing from a checkpoint where there is one) and restore the best weights."""
    progress = Progress(**(checkpoint.load(work, plan.model, plan.optimizer) or {}))
    if progress.step:
        on_event(Event(plan.stage, message=f"continuing at step {progress.step:,} of {plan.num_steps:,}"))
        if plan.average:
            plan.average.restore(checkpoint.load_average(work), plan.model)
    with tracking(plan.logs, options, config, first_step=progress.step) as trackers:
        _drive(plan, options, work, on_event, progress, trackers)
    if plan.average:
        plan.average.finish(plan.model)
    if progress.best is not None and progress.best_step < progress.step:
        checkpoint.load_weights(work, _BEST, plan.model)
        on_event(Event(plan.stage, message=f"kept the weights of step {progress.best_step:,}, the best on dev"))
    return progress


def _drive(
    plan: Plan, options: TrainOptions, work: Workspace, on_event: OnEvent, progress: Progress, trackers: Sequence[Any]
) -> None:
    if progress.stopped or progress.step >= plan.num_steps:
        return
    meter = _Meter(plan, progress.step)
    saved_at = time.monotonic()
    if plan.watch is not None:
        watched = contextlib.ExitStack()
        watched.enter_context(plan.watch)
        plan.optimizer.register_step_pre_hook(lambda *_: watched.close())  # closed once: later steps close nothing
    steps = plan.steps(progress.step, plan.num_steps)
    for step in fit(
        plan.model,
        Cuttable(steps, plan.smaller) if plan.smaller is not None else steps,
        plan.loss,
        plan.optimizer,
        schedule=schedule(options.schedule, plan.learning_rate, plan.num_steps, options.warmup),
        first=progress.step,
        clip_norm=options.clip_norm,
        bf16=plan.precision == "bf16",
    ):
        progress.step = step.number
        if plan.average:
            plan.average.after_step(plan.model, step.number, plan.num_steps)
        values = meter.read(step)
        if values and not math.isfinite(values["loss"]):
            raise _diverged(step, values["loss"])
        if plan.evaluate and (step.number % plan.evaluate_every == 0 or step.number == plan.num_steps):
            with meter.paused(), plan.average.in_place(plan.model) if plan.average else contextlib.nullcontext():
                values |= _evaluate(plan, plan.evaluate, options, work, progress)
        if values:
            progress.history.append({"step": step.number, **{k: v for k, v in values.items() if _is_of_curve(k)}})
            for tracker in trackers:
                tracker.log(step.number, values)
            on_event(Event(plan.stage, step.number, plan.num_steps, values))
        if progress.stopped:
            on_event(Event(plan.stage, message=f"stopped at step {step.number:,}: no gain on dev lately"))
            break
        if time.monotonic() - saved_at >= options.checkpoint_every_s and step.number < plan.num_steps:
            with meter.paused():
                average = plan.average.weights if plan.average else None
                checkpoint.save(work, plan.model, plan.optimizer, asdict(progress), average=average)
            saved_at = time.monotonic()


def _diverged(step: Step, loss: float) -> OrelineError:
    """Return the error of a run whose loss is no number any more: no later step could mend its weights."""
    return OrelineError(
        f"training diverged: the loss is {loss} at step {step.number:,}, the learning rate {step.learning_rate:.2g}",
        remedy="a smaller train.learning_rate, a longer train.warmup, or train.precision=fp32",
    )


def _is_of_curve(name: str) -> bool:
    """Whether the learning curve shows a figure; rates and times would differ between two runs of the same job."""
    return name == "loss" or name.startswith("dev_")


def _evaluate(
    plan: Plan,
    evaluate: Callable[[], tuple[tuple[float, ...], dict[str, float]]],
    options: TrainOptions,
    work: Workspace,
    progress: Progress,
) -> dict[str, float]:
    plan.model.eval()
    aim, figures = evaluate()
    gains = progress.best is None or list(aim) > progress.best
    # A figure may stand still, or at nothing, while the model learns: what the loss gains counts against stopping.
    progress.evaluations_without_gain += 1
    if progress.best_last is None or aim[-1] > progress.best_last:
        progress.best_last, progress.evaluations_without_gain = aim[-1], 0
    if gains:
        progress.best, progress.best_step, progress.evaluations_without_gain = list(aim), progress.step, 0
        if progress.step < plan.num_steps:  # the last step's weights are in memory when they are needed
            checkpoint.save_weights(work, _BEST, plan.model)
    progress.stopped = progress.evaluations_without_gain >= options.patience
    return {f"dev_{name}": value for name, value in figures.items()}


class _Meter:
    """Turns steps into figures: smoothed loss, rows and tokens a second, time left, share of the measured peak."""

    def __init__(self, plan: Plan, first: int) -> None:
        self._plan, self._first = plan, first
        self._start = time.monotonic()
        self._rows = self._tokens = 0
        # Reading a loss waits for the device: after each step on a CPU, every tenth on a GPU.
        self._every = 1 if next(plan.model.parameters()).device.type == "cpu" else 10

    def read(self, step: Step) -> dict[str, float]:
        self._rows += step.num_rows
        self._tokens += step.num_tokens
        if step.number % self._every and step.number != self._plan.num_steps:
            return {}
        spent_s = max(time.monotonic() - self._start, 1e-9)
        tokens_per_s = self._tokens / spent_s
        flops = self._tokens * self._plan.flops_per_token + self._plan.flops_beside()
        left = self._plan.num_steps - step.number
        return {
            "loss": float(step.loss),
            "learning_rate": step.learning_rate,
            "rows_per_s": self._rows / spent_s,
            "tokens_per_s": tokens_per_s,
            "left_s": spent_s / (step.number - self._first) * left,
            "gemm_share": flops / spent_s / 1e9 / max(self._plan.peak_gflops, 1e-9),
        }

    def paused(self) -> _Pause:
        return _Pause(self)

    def shift(self, seconds: float) -> None:
        self._start += seconds


class _Pause:
    """Keeps the time of an evaluation or a checkpoint out of the rates."""

    def __init__(self, meter: _Meter) -> None:
        self._meter = meter

    def __enter__(self) -> None:
        self._since = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._meter.shift(time.monotonic() - self._since)
