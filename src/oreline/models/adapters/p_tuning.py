"""P-tuning."""

from __future__ import annotations

from typing import Any

import peft
from peft.tuners.p_tuning import PromptEncoder

from oreline.errors import UsageError
from oreline.models.adapting import Plain
from oreline.models.virtual import append_tokens, embedding_width, refuse_few


class Adapter(Plain):
    """Vectors that every text is read together with, made by a small trained network from vectors of its own.

    The network ties the vectors together, which trains more steadily than vectors alone. Source: Liu et al.,
    https://arxiv.org/abs/2103.10385. It cannot be merged: it is no change of weights.

    Args:
        num_tokens: how many.
        width: inner width of the network.
    """

    learning_rate = 3e-3
    merges = False
    is_virtual = True

    def __init__(self, *, num_tokens: int = 16, width: int = 128) -> None:
        refuse_few(num_tokens)
        if width < 1:
            raise UsageError(f"width is {width}", allowed="from 1")
        self.num_tokens, self.width = num_tokens, width

    def apply(self, model: Any) -> None:
        """Put the vectors behind the embeddings."""
        config = peft.PromptEncoderConfig(
            num_virtual_tokens=self.num_tokens,
            token_dim=embedding_width(model),
            num_transformer_submodules=1,
            encoder_hidden_size=self.width,
        )
        append_tokens(model, PromptEncoder(config), self.num_tokens)
