"""Read one vector for each text from an encoder's states.

Shape suffixes: B rows of one batch, T tokens, D width, K classes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MARKS = "marks"
"""The pooling that reads the two tokens that a task marks."""


@contextlib.contextmanager
def last_states(model: Any) -> Iterator[list[Tensor]]:
    """Keep what the head of a transformers model reads, (B, T, D), in the first forward pass of the block."""
    found: list[Tensor] = []

    def keep(_model: Any, _inputs: Any, output: Any) -> None:
        if not found:
            found.append(output[0])

    hook = model.base_model.register_forward_hook(keep)
    try:
        yield found
    finally:
        hook.remove()


def mean_over_tokens(hidden_BTD: Tensor, mask_BT: Tensor | None) -> Tensor:
    """Average the states of real tokens; shape (B, D).

    >>> import torch
    >>> hidden = torch.tensor([[[1.0], [3.0], [9.0]]])
    >>> mean_over_tokens(hidden, torch.tensor([[1, 1, 0]])).tolist()
    [[2.0]]
    """
    if mask_BT is None:
        return hidden_BTD.mean(dim=1)
    weights_BT1 = mask_BT.unsqueeze(-1).to(hidden_BTD.dtype)
    return (hidden_BTD * weights_BT1).sum(dim=1) / weights_BT1.sum(dim=1).clamp(min=1)


def largest_over_tokens(hidden_BTD: Tensor, mask_BT: Tensor | None) -> Tensor:
    """Return the largest of each unit's states over the real tokens; shape (B, D).

    >>> import torch
    >>> hidden = torch.tensor([[[1.0], [3.0], [9.0]]])
    >>> largest_over_tokens(hidden, torch.tensor([[1, 1, 0]])).tolist()
    [[3.0]]
    """
    if mask_BT is not None:
        lowest = torch.finfo(hidden_BTD.dtype).min
        hidden_BTD = hidden_BTD.masked_fill(mask_BT.unsqueeze(-1) == 0, lowest)
    return hidden_BTD.amax(dim=1)


def side_by_side(hidden_BTD: Tensor, places_B2: Tensor) -> Tensor:
    """Return the states of two tokens of each row, one after the other; shape (B, 2D).

    Source: Soares et al., Matching the Blanks, https://arxiv.org/abs/1906.03158, section 3.2 (entity start).

    >>> import torch
    >>> hidden = torch.tensor([[[1.0], [3.0], [9.0]]])
    >>> side_by_side(hidden, torch.tensor([[2, 1]])).tolist()
    [[9.0, 3.0]]
    """
    return hidden_BTD.gather(1, places_B2[:, :, None].expand(-1, -1, hidden_BTD.shape[2])).flatten(1)


def pooled(hidden_BTD: Tensor, mask_BT: Tensor | None, pooling: str, places_B2: Tensor | None = None) -> Tensor:
    """Return what a text is read by, (B, D): the `mean` or the `max` over its tokens' states, or the `first` one.

    With `marks` it is the states of two tokens, (B, 2D). Raises `ValueError` where these are not given.
    """
    if pooling == MARKS:
        if places_B2 is None:
            raise ValueError("the texts of this task have no marks to be read by")
        return side_by_side(hidden_BTD, places_B2)
    if pooling == "first":
        return hidden_BTD[:, 0]
    return (largest_over_tokens if pooling == "max" else mean_over_tokens)(hidden_BTD, mask_BT)


class PooledEncoder(nn.Module):
    """An encoder and one vector of length 1 for each text, from its last states.

    Args:
        encoder: a transformers encoder.
        pooling: `mean` or `max` (over all tokens), or `first`.
    """

    def __init__(self, encoder: Any, pooling: str) -> None:
        super().__init__()
        self.encoder, self.pooling = encoder, pooling

    @property
    def config(self) -> Any:
        """Return the encoder's configuration."""
        return self.encoder.config

    def forward(self, *, attention_mask: Tensor | None = None, **inputs: Any) -> SimpleNamespace:
        """Return the vectors (B, D), as `logits` and as `pooled`: there is nothing above them."""
        hidden_BTD = self.encoder(attention_mask=attention_mask, **inputs).last_hidden_state
        unit_BD = F.normalize(pooled(hidden_BTD, attention_mask, self.pooling).float(), dim=1)
        return SimpleNamespace(logits=unit_BD, pooled=unit_BD)


class PooledClassifier(nn.Module):
    """An encoder, a vector from its last states, and a linear head: what transformers has no class for.

    The vector is the mean, the largest, or (`marks`) the states of two tokens, so twice as wide.

    A configuration with `head_dropout` drops that share of what the head reads while training.
    """

    def __init__(self, encoder: Any, num_labels: int, pooling: str = "mean") -> None:
        super().__init__()
        self.encoder, self.pooling = encoder, pooling
        rate = float(getattr(encoder.config, "head_dropout", 0.0))
        self.dropout = nn.Dropout(rate) if rate else nn.Identity()
        self.classifier = nn.Linear(encoder.config.hidden_size * (2 if pooling == MARKS else 1), num_labels)
        nn.init.normal_(self.classifier.weight, std=getattr(encoder.config, "initializer_range", 0.02))
        nn.init.zeros_(self.classifier.bias)

    @property
    def config(self) -> Any:
        """Return the encoder's configuration."""
        return self.encoder.config

    def forward(
        self, *, attention_mask: Tensor | None = None, places: Tensor | None = None, **inputs: Any
    ) -> SimpleNamespace:
        """Return `logits` (B, K) and `pooled` (B, D or 2D), the vector that the head reads."""
        hidden_BTD = self.encoder(attention_mask=attention_mask, **inputs).last_hidden_state
        pooled_BD = pooled(hidden_BTD, attention_mask, self.pooling, places)
        return SimpleNamespace(logits=self.classifier(self.dropout(pooled_BD)), pooled=pooled_BD)
