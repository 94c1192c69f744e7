"""A bidirectional LSTM.

Shape suffixes: B rows of one batch, T tokens, E width of the embeddings, D width of the states, H of one direction.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from oreline.errors import UsageError
from oreline.models.network import NetworkConfig, NetworkModel, positive, share
from oreline.models.vocabulary import check


class Network:
    """Layers of long short-term memory that read each text in both directions; a text is the maximum over its states.

    Sources: Graves and Schmidhuber, Framewise phoneme classification with bidirectional LSTM, 2005; the maximum:
    Conneau et al., https://arxiv.org/abs/1705.02364.

    Args:
        width: of a token's state, half of it for each direction.
        layers: one on the other.
        embedding_width: of a piece's vector.
        dropout: share of the embeddings, of the states between layers and of what the head reads that training drops.
        vocabulary: pieces learnt from the training rows, at most.
        pieces: how words are cut: `wordpiece` or `bpe`.
        lowercase: whether capitals and accents are folded; say no where they mean something, as in names.
    """

    learning_rate = 2e-3
    epochs = 8.0
    pooling = "max"

    def __init__(
        self,
        *,
        width: int = 256,
        layers: int = 1,
        embedding_width: int = 128,
        dropout: float = 0.3,
        vocabulary: int = 16_000,
        pieces: str = "wordpiece",
        lowercase: bool = True,
    ) -> None:
        positive("bilstm", width=width, layers=layers, embedding_width=embedding_width)
        share("bilstm", dropout=dropout)
        if width % 2:
            raise UsageError(f"bilstm: width is {width}", allowed="an even number: half of it for each direction")
        check(size=vocabulary, pieces=pieces)
        self.width, self.layers, self.embedding_width, self.dropout = width, layers, embedding_width, dropout
        self.vocabulary, self.pieces, self.lowercase = vocabulary, pieces, lowercase

    def encoder(self, vocab_size: int, pad_id: int) -> Any:
        """Return the network with random weights, as a transformers model."""
        return NetworkModel(NetworkConfig(
            network="bilstm", options=dict(vars(self)), vocab_size=vocab_size, pad_token_id=pad_id,
        ))  # fmt: skip

    def body(self) -> nn.Module:
        """Return the layers: embedded tokens (B, T, E) and their mask to states (B, T, D)."""
        return _Layers(self.embedding_width, self.width // 2, self.layers, self.dropout)


class _Layers(nn.Module):
    """LSTMs ahead and back. Padding stands on the right, so that what reads ahead meets it last, and what reads back
    is given each row turned round within its own length: the states of real tokens do not depend on padding."""

    def __init__(self, num_inputs: int, half: int, num_layers: int, dropout: float) -> None:
        super().__init__()
        widths = [num_inputs, *[2 * half] * (num_layers - 1)]
        self.ahead = nn.ModuleList(nn.LSTM(width, half, batch_first=True) for width in widths)
        self.back = nn.ModuleList(nn.LSTM(width, half, batch_first=True) for width in widths)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states_BTE: Tensor, mask_BT: Tensor | None) -> Tensor:
        """Return the states of the last layer, (B, T, D)."""
        order_BT1 = turned_round(states_BTE, mask_BT).unsqueeze(-1)
        for number, (ahead, back) in enumerate(zip(self.ahead, self.back)):
            inputs_BTE = states_BTE if number == 0 else self.dropout(states_BTE)
            turned_BTE = inputs_BTE.gather(1, order_BT1.expand(-1, -1, inputs_BTE.shape[-1]))
            ahead_BTH, _ = ahead(inputs_BTE)
            back_BTH, _ = back(turned_BTE)
            back_BTH = back_BTH.gather(1, order_BT1.expand(-1, -1, back_BTH.shape[-1]))
            states_BTE = torch.cat([ahead_BTH, back_BTH], dim=-1)
        return states_BTE


def turned_round(states_BTE: Tensor, mask_BT: Tensor | None) -> Tensor:
    """Return the place that each place of each row is exchanged with, (B, T): real tokens in reverse, padding its own.

    >>> turned_round(torch.zeros(2, 3, 1), torch.tensor([[1, 1, 1], [1, 1, 0]])).tolist()
    [[2, 1, 0], [1, 0, 2]]
    """
    num_rows, num_tokens = states_BTE.shape[:2]
    places_1T = torch.arange(num_tokens, device=states_BTE.device).unsqueeze(0)
    if mask_BT is None:
        return (num_tokens - 1 - places_1T).expand(num_rows, -1)
    lengths_B1 = mask_BT.sum(dim=1, keepdim=True)
    return torch.where(places_1T < lengths_B1, lengths_B1 - 1 - places_1T, places_1T)
