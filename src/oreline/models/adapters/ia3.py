"""Infused adapter by inhibiting and amplifying inner activations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peft

from oreline.models.adapting import FEED_FORWARD_OUTPUTS, KEYS, VALUES, Plain, encoder_of, known_parts, within
from oreline.models.injected import inject


class Adapter(Plain):
    """IA3: keys, values and the inner state of the feed-forward layers are each scaled by a trained vector.

    Source: Liu et al., https://arxiv.org/abs/2205.05638. It trains the fewest weights of all, at a high rate.

    Args:
        layers: numbers of the layers that it is put into, from 0, or from -1 at the top; all when not given. What lies
            below them is frozen and computed once.
    """

    learning_rate = 1e-2
    merges = True

    def __init__(self, *, layers: Sequence[int] | None = None) -> None:
        self.layers = layers

    def apply(self, model: Any) -> None:
        """Put a scaling vector on keys, values and the inputs of the second feed-forward layers."""
        encoder = encoder_of(model)
        keys, values, outputs = (
            within(encoder, names, self.layers) for names in known_parts(encoder, KEYS, VALUES, FEED_FORWARD_OUTPUTS)
        )
        inject(model, peft.IA3Config(target_modules=[*keys, *values, *outputs], feedforward_modules=outputs))
