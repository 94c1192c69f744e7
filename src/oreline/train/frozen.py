"""Whether a job's lowest layers are frozen, and what follows: their states are kept, the layers above start from them.

What is frozen is read from the parameters, not from the method: a method that freezes layers gets this without a line.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from oreline.models.batch import Batch
from oreline.models.prefix import Prefix, num_untrained, prefix_of, seen_layers
from oreline.train.cache import States
from oreline.train.forecasts import Forecast
from oreline.train.job import Job
from oreline.train.optimizers.groups import depths
from oreline.train.regularize import Loss
from oreline.types import Encoded

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BYTES_TO_SPARE = 32
"""For each weight of the model: checkpoint, the one being written, best weights, artifact."""


class Frozen:
    """The frozen lowest layers of a job's model, and what they return for its rows.

    Args:
        prefix: the layers.
        job: its options say how states are kept, and its workspace is where.
        make: puts some encoded rows in a batch as they are trained on, targets left out.
        train: all training rows.
        dev: all dev rows that are read as training rows are.
        bf16: training runs under autocast.
    """

    def __init__(
        self,
        prefix: Prefix,
        job: Job,
        make: Callable[[Encoded, NDArray[Any]], Batch],
        train: Encoded,
        dev: Encoded | None,
        *,
        bf16: bool,
    ) -> None:
        kind = job.options.frozen_cache
        self.prefix, self._job = prefix, job
        # Without a cache, states are rounded as they are with the usual one: training is then the same.
        self.train = States(prefix, train, make, half=kind != "fp32", bf16=bf16)
        # Dev is scored in fp32, and so are its states: what is scored is what the model will answer.
        self.dev = States(prefix, dev, make, half=False) if dev is not None else None
        self._keeps_dev = self.dev is not None and kind != "off"
        self._keeps_train = kind != "off" and job.options.epochs > 1
        dev_bytes = self.dev.num_bytes if self.dev is not None and self._keeps_dev else 0
        self.num_bytes = self._keeps_train * self.train.num_bytes + dev_bytes

    def keep(self, num_weights: int) -> None:
        """Keep states from now on where the disk has room; where it lacks some, say so and keep none.

        Args:
            num_weights: of the whole model, whose checkpoints need room too.
        """
        folder, say = self._job.work.folder, self._job.say
        if lacking := lacking_bytes(folder, self.num_bytes, num_weights):
            say(
                f"warning: what the frozen layers return takes {self.num_bytes / 2**30:.2f} GiB, and the disk lacks "
                f"{lacking / 2**30:.2f} GiB: it is computed in every step"
            )
            self._keeps_train, self._keeps_dev, self.num_bytes = False, False, 0
        if self._keeps_train:
            self.train.keep(folder, "train", say)
        if self.dev is not None and self._keeps_dev:
            self.dev.keep(folder, "dev", say)

    def above(self, loss: Loss) -> Loss:
        """Return a loss that begins with the states of its batch."""

        def of_the_upper_layers(model: nn.Module, batch: Batch) -> Tensor:
            with self.prefix.left_out():
                return loss(model, batch)

        return of_the_upper_layers

    def forecast(self, measured: Forecast, states_s: float, steps_per_epoch: int) -> Forecast:
        """Return the forecast of a run from that of steps that are given their states, which take `states_s` each."""
        measured = replace(measured, disk_bytes=self.num_bytes)
        if self._keeps_dev:  # scored through all layers once, then from kept states
            above = 1 - self.prefix.share
            end_s = measured.end_s + (1 - above) * measured.scoring_s
            measured = replace(measured, scoring_s=above * measured.scoring_s, end_s=end_s)
        if not self._keeps_train:
            return replace(measured, step_s=measured.step_s + states_s)
        return replace(measured, first_steps=steps_per_epoch, more_s=states_s)


def usable_prefix(model: nn.Module, *, inputs_move: bool, say: Callable[[str], None]) -> Prefix | None:
    """Return the frozen lowest layers whose states can stand for them, or None; where there are some, say why not.

    Args:
        model: a transformer with its head, whose frozen parameters want no gradient.
        inputs_move: whether the loss changes what goes into the lowest layers (adversarial embeddings).
        say: is told one sentence.
    """
    if all(parameter.requires_grad for parameter in model.parameters()):
        return None
    layers = seen_layers(model)
    num_layers = num_untrained(layers)
    if not max(num_layers, num_frozen_layers(model)):
        return None
    if inputs_move:
        why = "a regularizer changes what goes into them"
    elif not layers:
        why = f"those of {_architecture(model)!r} are not called one after another"
    elif not num_layers:
        why = "something that trains goes into them"
    elif (prefix := prefix_of(model, num_layers)) is not None:
        return prefix
    else:
        why = f"those of {_architecture(model)!r} hand on more than states"
    say(f"the frozen layers are computed in every step: {why}")
    return None


def _architecture(model: nn.Module) -> str:
    return str(getattr(getattr(model, "config", None), "model_type", type(model).__name__))


def num_frozen_layers(model: nn.Module) -> int:
    """Return how many of the lowest layers have no weights that train, 0 where the embeddings below them have."""
    below = depths(model)
    highest = max(below.values(), default=1)  # of the embeddings
    trained = [below[name] for name, parameter in model.named_parameters() if parameter.requires_grad and below]
    return max(highest - 1 - max(trained, default=highest), 0)


def lacking_bytes(folder: Path, wanted: int, num_weights: int) -> int:
    """Return how many bytes the disk lacks to keep `wanted` beside a job's checkpoints; 0 when there is room.

    What an earlier run of the job has kept already counts as room.
    """
    own = sum(getattr(file.stat(), "st_blocks", 0) * 512 for file in folder.glob("*.states"))
    return max(wanted + _BYTES_TO_SPARE * num_weights - shutil.disk_usage(folder).free - own, 0)
