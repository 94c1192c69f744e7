"""What regularizers share: a loss around a loss, an average of the weights beside the model, the stack of one job.

The loop knows none of it: it is handed the wrapped loss, and `train/run.py` tells an average of each step made.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from oreline import registry
from oreline.errors import UsageError
from oreline.models.batch import Batch

Loss = Callable[[Any, Batch], Tensor]
"""`loss(model, batch)` returns the sum of the batch's loss terms."""


class Plain:
    """A regularizer that changes nothing; a plug overrides what it is about."""

    cost = 1.0
    """Arithmetic of a step, as a multiple of the plain one's."""
    passes = 1
    """Forward passes whose activations lie in memory at once."""
    copies = 0
    """Copies of the trained weights beside them."""
    inputs_move = False
    """Whether it changes what goes into the lowest layers, whose states then cannot be kept."""
    weights_move = False
    """Whether a pass has other weights than the model's: layers cannot be computed again after it."""
    needs_dropout = False
    """Whether it compares passes that only dropout makes different."""

    def wrap(self, loss: Loss, head: Any) -> Loss:
        """Return the loss to train with. Raises `UsageError` for a head that lacks what is needed."""
        return loss


class Average(Plain):
    """An average of the trained weights; dev is scored with it, and it is what the run ends with.

    It follows from the weights and the step number alone, so that a run that continues ends in the same bits.
    """

    copies = 1

    def __init__(self) -> None:
        self.weights: dict[str, Tensor] = {}
        """The average by the parameters' names; empty until the first weights go into it."""

    def share(self, step: int, num_steps: int) -> float:
        """Return the newest weights' share s of the average a ← a + s (w - a) after a step; 0 leaves it alone."""
        raise NotImplementedError

    @torch.no_grad()
    def after_step(self, model: nn.Module, step: int, num_steps: int) -> None:
        """Take in the weights after step number `step`, counted from 1."""
        share = self.share(step, num_steps)
        if not share:
            return
        trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        if self.weights:
            torch._foreach_lerp_([self.weights[name] for name in trained], list(trained.values()), share)
        else:
            self.weights = {name: parameter.clone() for name, parameter in trained.items()}

    @contextlib.contextmanager
    def in_place(self, model: nn.Module) -> Iterator[None]:
        """Put the average into the model, and the weights back afterwards, to the bit."""
        self._exchange(model)
        try:
            yield
        finally:
            self._exchange(model)

    def finish(self, model: nn.Module) -> None:
        """Leave the average in the model."""
        self._exchange(model)

    def restore(self, weights: dict[str, Tensor], model: nn.Module) -> None:
        """Continue from the `weights` of an earlier run."""
        parameters = dict(model.named_parameters())
        self.weights = {name: tensor.to(parameters[name].device) for name, tensor in weights.items()}

    @torch.no_grad()
    def _exchange(self, model: nn.Module) -> None:
        for name, parameter in model.named_parameters():
            if name in self.weights:
                kept = parameter.clone()
                parameter.copy_(self.weights[name])
                self.weights[name].copy_(kept)


@dataclass(frozen=True, slots=True)
class Regularized:
    """A job's loss in all its wraps, and its average, if there is one."""

    loss: Loss
    average: Average | None = None
    cost: float = 1.0
    """Arithmetic of a step, as a multiple of the plain one's."""
    passes: int = 1
    """Forward passes whose activations lie in memory at once."""
    copies: int = 0
    """Copies of the trained weights beside them."""
    inputs_move: bool = False
    """Whether a regularizer changes what goes into the lowest layers."""
    weights_move: bool = False
    """Whether a pass has other weights than the model's."""
    needs_dropout: bool = False
    """Whether a regularizer compares passes that only dropout makes different."""

    @property
    def is_cacheable(self) -> bool:
        """Whether gradients can be cached: every pass has the model's own inputs and weights."""
        return not (self.inputs_move or self.weights_move)

    @property
    def foretold(self) -> dict[str, Any]:
        """What `resources.forecast` is told of it."""
        return {"passes": self.passes, "copies": self.copies, "averaged": self.average is not None}


def regularizers(entries: Sequence[Any]) -> list[Plain]:
    """Build what `TrainOptions.regularizers` names. Raises `UsageError` for a second average, or a name twice."""
    built = registry.create_all("regularizer", entries)
    names = [name for name, _ in built]
    if twice := next((name for number, name in enumerate(names) if name in names[:number]), None):
        raise UsageError(f"the regularizer {twice} is named twice", allowed="each once, with its options")
    averages = [name for name, plug in built if isinstance(plug, Average)]
    if len(averages) > 1:
        raise UsageError(f"the regularizers {' and '.join(averages)} both average the weights", allowed="one of them")
    return [plug for _, plug in built]


def regularized(entries: Sequence[Any], head: Any) -> Regularized:
    """Wrap a head's loss, the first regularizer innermost. Raises `UsageError` for a head that one cannot wrap."""
    plugs = regularizers(entries)
    loss: Loss = head.loss
    for plug in plugs:
        loss = plug.wrap(loss, head)
    return Regularized(
        loss,
        next((plug for plug in plugs if isinstance(plug, Average)), None),
        math.prod(plug.cost for plug in plugs),
        math.prod(plug.passes for plug in plugs),
        sum(plug.copies for plug in plugs),
        any(plug.inputs_move for plug in plugs),
        any(plug.weights_move for plug in plugs),
        any(plug.needs_dropout for plug in plugs),
    )


def refuse_outside(name: str, low: float, high: float, **options: Any) -> None:
    """Raise `UsageError` for an option of the regularizer `name` that is no number in [low, high)."""
    for option, value in options.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value < high:
            raise UsageError(f"{name}: {option} is {value!r}", allowed=f"{low:g} <= {option} < {high:g}")
