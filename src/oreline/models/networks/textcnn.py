"""Convolutions over the tokens of a text.

Shape suffixes: B rows of one batch, T tokens, E width of the embeddings, D width of the states.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oreline.errors import UsageError
from oreline.models.network import NetworkConfig, NetworkModel, positive, share
from oreline.models.vocabulary import check


class Network:
    """Filters over a few neighbouring tokens each; a text is each filter's maximum over its tokens.

    Source: Kim, Convolutional neural networks for sentence classification, https://arxiv.org/abs/1408.5882.

    Args:
        kernels: how many neighbouring tokens a filter sees, for each kind of filter.
        filters: of each kind.
        embedding_width: of a piece's vector.
        dropout: share of the embeddings and of what the head reads that training drops.
        vocabulary: pieces learnt from the training rows, at most.
        pieces: how words are cut: `wordpiece` or `bpe`.
        lowercase: whether capitals and accents are folded; say no where they mean something, as in names.
    """

    learning_rate = 1e-3
    epochs = 8.0
    pooling = "max"
    layers = 1

    def __init__(
        self,
        *,
        kernels: Sequence[int] = (3, 4, 5),
        filters: int = 100,
        embedding_width: int = 128,
        dropout: float = 0.5,
        vocabulary: int = 16_000,
        pieces: str = "wordpiece",
        lowercase: bool = True,
    ) -> None:
        if isinstance(kernels, str) or not isinstance(kernels, Sequence) or not kernels:
            raise UsageError(f"textcnn: kernels is {kernels!r}", allowed="a list of whole numbers, such as [3, 4, 5]")
        for kernel in kernels:
            positive("textcnn", kernels=kernel)
        positive("textcnn", filters=filters, embedding_width=embedding_width)
        share("textcnn", dropout=dropout)
        check(size=vocabulary, pieces=pieces)
        self.kernels, self.filters = list(kernels), filters
        self.embedding_width, self.dropout = embedding_width, dropout
        self.vocabulary, self.pieces, self.lowercase = vocabulary, pieces, lowercase

    @property
    def width(self) -> int:
        """Width of a token's state."""
        return self.filters * len(self.kernels)

    def encoder(self, vocab_size: int, pad_id: int) -> Any:
        """Return the network with random weights, as a transformers model."""
        return NetworkModel(NetworkConfig(
            network="textcnn", options=dict(vars(self)), vocab_size=vocab_size, pad_token_id=pad_id,
        ))  # fmt: skip

    def body(self) -> nn.Module:
        """Return the layers: embedded tokens (B, T, E) and their mask to states (B, T, D)."""
        return _Layers(self.embedding_width, self.kernels, self.filters)


class _Layers(nn.Module):
    """A row of filters beside each other. Padding is zero, as is what lies beyond the ends of a row."""

    def __init__(self, num_inputs: int, kernels: Sequence[int], num_filters: int) -> None:
        super().__init__()
        self.kernels = tuple(kernels)
        # A linear layer over neighbouring tokens side by side is a convolution, as fast here, and int8 knows it.
        self.filters = nn.ModuleList(Linear(kernel * num_inputs, num_filters) for kernel in kernels)

    def forward(self, states_BTE: Tensor, mask_BT: Tensor | None) -> Tensor:
        """Return what the filters say around each token, (B, T, D)."""
        if mask_BT is not None:
            states_BTE = states_BTE * mask_BT.unsqueeze(-1).to(states_BTE.dtype)
        found = [filters(windows(states_BTE, kernel)) for kernel, filters in zip(self.kernels, self.filters)]
        return F.relu(torch.cat(found, dim=-1))


class Linear(nn.Linear):
    """A linear layer that keeps torch's own initialisation, by the number of its inputs."""


def windows(states_BTE: Tensor, kernel: int) -> Tensor:
    """Return each token's vector with those of its neighbours, `kernel` in all, side by side: (B, T, kernel · E).

    Zeros stand beyond the ends. An even kernel sees one token more on the right.

    >>> windows(torch.tensor([[[1.0], [2.0], [3.0]]]), 3).tolist()
    [[[0.0, 1.0, 2.0], [1.0, 2.0, 3.0], [2.0, 3.0, 0.0]]]
    """
    before = (kernel - 1) // 2
    padded_BTE = F.pad(states_BTE, (0, 0, before, kernel - 1 - before))
    num_tokens = states_BTE.shape[1]
    return torch.cat([padded_BTE[:, place : place + num_tokens] for place in range(kernel)], dim=-1)
