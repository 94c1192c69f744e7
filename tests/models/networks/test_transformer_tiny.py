"""A small BERT."""

from __future__ import annotations

import pytest
from transformers import BertModel

from oreline.errors import UsageError
from oreline.models.networks.transformer_tiny import Network


def test_it_is_a_bert_that_transformers_opens_without_us() -> None:
    encoder = Network(width=16, layers=1, heads=4, positions=64).encoder(100, 0)
    assert type(encoder) is BertModel
    config = encoder.config
    assert (config.hidden_size, config.num_hidden_layers, config.vocab_size) == (16, 1, 100)
    assert (config.intermediate_size, config.max_position_embeddings) == (64, 64)


def test_heads_divide_the_width() -> None:
    with pytest.raises(UsageError, match="3 heads do not divide a width of 16"):
        Network(width=16, heads=3)
