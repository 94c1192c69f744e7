"""A small transformer."""

from __future__ import annotations

from typing import Any

from transformers import BertConfig, BertModel

from oreline.errors import UsageError
from oreline.models.network import positive, share
from oreline.models.vocabulary import check


class Network:
    """A BERT of a few narrow layers, which transformers opens as any other; a text is the mean of its states.

    Source: Devlin et al., https://arxiv.org/abs/1810.04805; the size is that of BERT-tiny, Turc et al.,
    https://arxiv.org/abs/1908.08962.

    Args:
        width: of a token's state.
        layers: one on the other.
        heads: of the attention; they divide the width.
        dropout: share of the states that training drops.
        vocabulary: pieces learnt from the training rows, at most.
        pieces: how words are cut: `wordpiece` or `bpe`.
        lowercase: whether capitals and accents are folded; say no where they mean something, as in names.
        positions: tokens that it takes at most.
    """

    learning_rate = 1e-3
    epochs = 8.0
    pooling = "mean"

    def __init__(
        self,
        *,
        width: int = 128,
        layers: int = 2,
        heads: int = 2,
        dropout: float = 0.1,
        vocabulary: int = 16_000,
        pieces: str = "wordpiece",
        lowercase: bool = True,
        positions: int = 512,
    ) -> None:
        name = "transformer-tiny"
        positive(name, width=width, layers=layers, heads=heads, positions=positions)
        share(name, dropout=dropout)
        if width % heads:
            raise UsageError(f"{name}: {heads} heads do not divide a width of {width}", allowed="heads that do")
        check(size=vocabulary, pieces=pieces)
        self.width, self.layers, self.heads, self.dropout, self.positions = width, layers, heads, dropout, positions
        self.vocabulary, self.pieces, self.lowercase = vocabulary, pieces, lowercase

    def encoder(self, vocab_size: int, pad_id: int) -> Any:
        """Return the network with random weights, as a transformers model."""
        return BertModel(
            BertConfig(
                vocab_size=vocab_size,
                pad_token_id=pad_id,
                hidden_size=self.width,
                num_hidden_layers=self.layers,
                num_attention_heads=self.heads,
                intermediate_size=4 * self.width,
                max_position_embeddings=self.positions,
                hidden_dropout_prob=self.dropout,
                attention_probs_dropout_prob=self.dropout,
            )
        )
