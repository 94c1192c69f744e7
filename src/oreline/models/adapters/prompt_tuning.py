"""Prompt tuning."""

from __future__ import annotations

from typing import Any

import peft
import torch
from peft.tuners.prompt_tuning import PromptEmbedding

from oreline.models.adapting import Plain, encoder_of
from oreline.models.virtual import append_tokens, embedded, embedding_width, refuse_few


class Adapter(Plain):
    """Trained vectors that every text is read together with, as if it had some more tokens.

    They begin as embeddings of random words of the vocabulary, as the paper advises. Source: Lester et al.,
    https://arxiv.org/abs/2104.08691. It cannot be merged: it is no change of weights.

    Args:
        num_tokens: how many.
    """

    learning_rate = 1e-2
    merges = False
    is_virtual = True

    def __init__(self, *, num_tokens: int = 16) -> None:
        refuse_few(num_tokens)
        self.num_tokens = num_tokens

    def apply(self, model: Any) -> None:
        """Put the vectors behind the embeddings."""
        config = peft.PromptTuningConfig(
            num_virtual_tokens=self.num_tokens, token_dim=embedding_width(model), num_transformer_submodules=1
        )
        prompt = PromptEmbedding(config, encoder_of(model).get_input_embeddings())
        words_1P = torch.randint(int(encoder_of(model).config.vocab_size), (1, self.num_tokens))
        prompt.embedding.weight.data.copy_(embedded(model, words_1P)[0])
        append_tokens(model, prompt, self.num_tokens)
