"""Prefix tuning."""

from __future__ import annotations

from typing import Any

import peft
from peft.tuners.prefix_tuning import PrefixEncoder
from torch import nn

from oreline.models.adapting import Plain
from oreline.models.virtual import attention_modules, heads_of, put_prefix, refuse_few


class Adapter(Plain):
    """Trained keys and values in each layer, which every token attends to beside the text's own.

    They begin near zero. Source: Li and Liang, https://arxiv.org/abs/2101.00190. It cannot be merged: it is no change
    of weights.

    Args:
        num_tokens: how many in each layer.
        projection: make them by a trained network of this inner width, as the paper does; 0 trains them directly.
    """

    learning_rate = 1e-2
    merges = False
    is_virtual = True

    def __init__(self, *, num_tokens: int = 16, projection: int = 0) -> None:
        refuse_few(num_tokens)
        self.num_tokens, self.projection = num_tokens, projection

    def apply(self, model: Any) -> None:
        """Put keys and values behind those of each attention."""
        config = peft.PrefixTuningConfig(
            num_virtual_tokens=self.num_tokens,
            token_dim=heads_of(model)[1],
            num_transformer_submodules=1,
            num_layers=len(attention_modules(model)),
            encoder_hidden_size=self.projection or None,
            prefix_projection=self.projection > 0,
        )
        prefix = PrefixEncoder(config)
        if not self.projection:
            nn.init.normal_(prefix.embedding.weight, std=0.02)
        put_prefix(model, prefix, self.num_tokens)
