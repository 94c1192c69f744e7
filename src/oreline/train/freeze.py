"""Leave a part of a model as it is: its lowest layers, or what a pattern names."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from torch import nn

from oreline.errors import UsageError, did_you_mean
from oreline.train.job import Job
from oreline.train.optimizers.groups import depths


def freeze_in(job: Job, model: nn.Module, *, layers: int, patterns: Sequence[str]) -> None:
    """Do as `freeze` does, and say how many weights stay as they are, where some do."""
    if num_frozen := freeze(model, layers=layers, patterns=patterns):
        num_all = sum(parameter.numel() for parameter in model.parameters())
        job.say(f"{num_frozen:,} of {num_all:,} weights stay as they are")


def freeze(model: nn.Module, *, layers: int = 0, patterns: Sequence[str] = ()) -> int:
    """Stop the training of some parameters; nothing flows back below the lowest one that is trained.

    Args:
        model: an encoder with its head.
        layers: so many of the lowest layers, and the embeddings below them.
        patterns: shell patterns of parameter names, such as `*.attention.*`.

    Returns:
        How many weights stay as they are.

    Raises:
        UsageError: more layers than there are, a pattern that names nothing, or nothing is left to train.
    """
    below = depths(model)
    num_layers = max(below.values(), default=1) - 1
    if not 0 <= layers <= num_layers:
        raise UsageError(f"freeze_layers is {layers}", allowed=f"0 to {num_layers}, the model's layers")
    named = dict(model.named_parameters())
    frozen = {name for name, depth in below.items() if layers and depth > num_layers - layers}
    for pattern in patterns:
        matching = fnmatch.filter(named, pattern)
        if not matching:
            raise UsageError(f"no parameter is named {pattern!r}", allowed=did_you_mean(pattern, named))
        frozen |= set(matching)
    if frozen >= named.keys():
        raise UsageError("everything is frozen: nothing is left to train", remedy="freeze fewer layers or patterns")
    for name in frozen:
        named[name].requires_grad = False
    return sum(named[name].numel() for name in frozen)
