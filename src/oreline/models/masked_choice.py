"""Classify by the word that a masked-language head would put into a masked place.

Shape suffixes: B rows of one batch, T tokens, D width, K classes, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from oreline.errors import ArtifactError


class MaskedChoice(nn.Module):
    """A masked language model that is asked for one of K words at the masked place of each row."""

    words_K: Tensor
    mask: Tensor

    def __init__(self, masked: Any, words: Sequence[int], mask: int) -> None:
        """Describe the choice.

        Args:
            masked: a transformers model with a masked-language head.
            words: token id of each class's word, K of them.
            mask: id of the mask token, once in each row.

        Raises:
            ArtifactError: the model's head is not one module beside its body.
        """
        super().__init__()
        self.masked = masked
        if len(_beside(masked)) != 1:
            raise ArtifactError(
                f"the masked-language head of {type(masked).__name__} is not one module", allowed="BERT, RoBERTa, …"
            )
        self.register_buffer("words_K", torch.tensor(list(words), dtype=torch.long), persistent=False)
        self.register_buffer("mask", torch.tensor(mask, dtype=torch.long), persistent=False)

    @property
    def config(self) -> Any:
        """Return the encoder's configuration."""
        return self.masked.config

    @property
    def encoder(self) -> Any:
        """Return the encoder below the head."""
        return self.masked.base_model

    @property
    def classifier(self) -> Any:
        """Return the masked-language head."""
        return _beside(self.masked)[0]

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, **inputs: Any) -> SimpleNamespace:
        """Return `logits` (B, K) of the words, and `pooled` (B, D), the state at the masked place."""
        hidden_BTD = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **inputs).last_hidden_state
        is_place_BT1 = (input_ids == self.mask).unsqueeze(-1).to(hidden_BTD.dtype)
        pooled_BD = (hidden_BTD * is_place_BT1).sum(dim=1)  # one place a row; exporters know no better than a sum
        return SimpleNamespace(logits=self.classifier(pooled_BD)[:, self.words_K], pooled=pooled_BD)


def _beside(masked: Any) -> list[Any]:
    """Return the modules beside the body: BERT's `cls`, RoBERTa's `lm_head`."""
    return [child for child in masked.children() if child is not masked.base_model]
