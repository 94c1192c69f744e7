"""Infused adapter by inhibiting and amplifying inner activations."""

from __future__ import annotations

from typing import Any

import peft

from oreline.models.adapting import FEED_FORWARD_OUTPUTS, KEYS, VALUES, Plain, encoder_of, known_parts
from oreline.models.injected import inject


class Adapter(Plain):
    """IA3: keys, values and the inner state of the feed-forward layers are each scaled by a trained vector.

    Source: Liu et al., https://arxiv.org/abs/2205.05638. It trains the fewest weights of all, at a high rate.
    """

    learning_rate = 1e-2
    merges = True

    def apply(self, model: Any) -> None:
        """Put a scaling vector on keys, values and the inputs of the second feed-forward layers."""
        keys, values, outputs = known_parts(encoder_of(model), KEYS, VALUES, FEED_FORWARD_OUTPUTS)
        inject(model, peft.IA3Config(target_modules=[*keys, *values, *outputs], feedforward_modules=outputs))
