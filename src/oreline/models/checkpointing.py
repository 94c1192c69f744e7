"""Gradient checkpointing: a layer's activations are computed again in the backward pass instead of being kept.

Memory for activations falls from all layers' to one layer's and the inputs of the others; the arithmetic rises by a
third. Gradients are the same bits: the random numbers of dropout are drawn again from where they stood.

Source: Chen et al., Training Deep Nets with Sublinear Memory Cost, https://arxiv.org/abs/1604.06174.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer

from oreline.errors import UsageError


def use_checkpointing(model: nn.Module) -> None:
    """Let each layer of a model compute its activations again in the backward pass.

    Raises `UsageError` for a model whose layers cannot.
    """
    layers = list(_layers(model))
    if not layers:
        raise UsageError(
            f"{type(model).__name__} has no layers that can be computed again",
            allowed="gradient_checkpointing=false",
            remedy="take a smaller train.token_budget where memory is short",
        )
    for layer in layers:
        layer.gradient_checkpointing = True
        # Not the reentrant kind: it needs inputs with a gradient, which a frozen layer below an adapter has not.
        layer._gradient_checkpointing_func = functools.partial(checkpoint, use_reentrant=False)


def is_checkpointed(model: nn.Module) -> bool:
    """Whether a model's layers compute their activations again."""
    return any(layer.gradient_checkpointing for layer in _layers(model))


def _layers(model: nn.Module) -> Iterator[Any]:
    yield from (module for module in model.modules() if isinstance(module, GradientCheckpointingLayer))
