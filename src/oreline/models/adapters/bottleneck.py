"""Houlsby's bottleneck adapters.

Shape suffixes: B rows of one batch, T tokens, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from oreline.models.adapting import (
    ATTENTION_OUTPUTS,
    FEED_FORWARD_OUTPUTS,
    Plain,
    encoder_of,
    known_parts,
    refuse_wide,
    within,
)


class Bottleneck(nn.Module):
    """A linear layer, and a narrow network over its outputs: y + up(gelu(down(y))); `up` begins at zero."""

    def __init__(self, base_layer: nn.Linear, width: int) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.down = nn.Linear(base_layer.out_features, width)
        self.up = nn.Linear(width, base_layer.out_features)
        nn.init.normal_(self.down.weight, std=0.02)
        nn.init.zeros_(self.down.bias)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    @property
    def weight(self) -> Tensor:
        """Return the linear layer's own weight."""
        return self.base_layer.weight

    def forward(self, hidden_BTD: Tensor) -> Tensor:
        """Return the adapted outputs."""
        mixed_BTD: Tensor = self.base_layer(hidden_BTD)
        changed_BTD: Tensor = self.up(F.gelu(self.down(mixed_BTD)))
        return mixed_BTD + changed_BTD


class Adapter(Plain):
    """A narrow network after the attention and after the feed-forward part of each layer, before the skip connection.

    Source: Houlsby et al., https://arxiv.org/abs/1902.00751, where layer norms train too. It is no change of weights,
    so it cannot be merged.

    Args:
        width: width of the narrow network.
        layers: numbers of the layers that it is put into, from 0, or from -1 at the top; all when not given. What lies
            below them is frozen and computed once.
    """

    learning_rate = 1e-3
    merges = False

    def __init__(self, *, width: int = 16, layers: Sequence[int] | None = None) -> None:
        self.width, self.layers = width, layers

    def apply(self, model: Any) -> None:
        """Put the narrow networks behind the outputs of each layer's two parts."""
        encoder = encoder_of(model)
        attended, fed = known_parts(encoder, ATTENTION_OUTPUTS, FEED_FORWARD_OUTPUTS)
        outputs = within(encoder, [*attended, *fed], self.layers)
        refuse_wide(encoder, outputs, "width", self.width)
        for name in outputs:
            parent, _, last = name.rpartition(".")
            setattr(encoder.get_submodule(parent), last, Bottleneck(encoder.get_submodule(name), self.width))
