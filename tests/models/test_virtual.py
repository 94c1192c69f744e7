"""Virtual tokens are seen by the text, and read by nobody."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from oreline.errors import UsageError
from oreline.models.attention import use_short_attention
from oreline.models.load import load_classifier, load_seq2seq
from oreline.models.virtual import append_tokens, attention_modules, embedded, embedding_width, heads_of, put_prefix

IDS = torch.tensor([[2, 7, 9, 3]])
MASK = torch.tensor([[1, 1, 1, 0]])


class Fixed(nn.Module):
    """Vectors for places."""

    def __init__(self, vectors_PD: torch.Tensor) -> None:
        super().__init__()
        self.vectors = nn.Parameter(vectors_PD)

    def forward(self, places_1P: torch.Tensor) -> torch.Tensor:
        return self.vectors[places_1P]


@pytest.fixture
def model(tiny_start: Path):
    torch.manual_seed(0)
    opened = load_classifier(tiny_start, 2, pooling="mean").eval()
    use_short_attention(opened.encoder)
    return opened


def test_appended_tokens_change_the_states_of_the_text_and_add_none(model) -> None:
    before = model.encoder(input_ids=IDS, attention_mask=MASK).last_hidden_state
    append_tokens(model, Fixed(torch.randn(3, 32)), 3)
    after = model.encoder(input_ids=IDS, attention_mask=MASK).last_hidden_state
    assert after.shape == before.shape
    assert not torch.allclose(after, before, atol=1e-3)
    without_mask = model.encoder(input_ids=IDS[:, :3]).last_hidden_state
    torch.testing.assert_close(without_mask, after[:, :3], atol=1e-5, rtol=1e-4)


def test_a_prefix_is_attended_to(model) -> None:
    before = model.encoder(input_ids=IDS, attention_mask=MASK).last_hidden_state
    put_prefix(model, Fixed(torch.randn(5, 2 * 2 * 32)), 5)
    after = model.encoder(input_ids=IDS, attention_mask=MASK).last_hidden_state
    assert not torch.allclose(after, before, atol=1e-3)
    assert all(module.extra_states is None for module in attention_modules(model)), "nothing is left behind"
    without_mask = model.encoder(input_ids=IDS[:, :3]).last_hidden_state
    torch.testing.assert_close(without_mask, after[:, :3], atol=1e-5, rtol=1e-4)


def test_widths_and_heads_are_the_models(model) -> None:
    assert embedding_width(model) == 32
    assert heads_of(model) == (4, 32)
    assert embedded(model, IDS).shape == (1, 4, 32)


def test_an_encoder_without_these_parts_is_refused(model) -> None:
    model.encoder.embeddings = None
    with pytest.raises(UsageError, match="no module `embeddings`"):
        append_tokens(model, Fixed(torch.zeros(1, 32)), 1)
    model.encoder._supports_sdpa = False
    with pytest.raises(UsageError, match="no attention interface"):
        attention_modules(model)


def test_a_model_that_writes_is_refused(tiny_bart: Path) -> None:
    writer = load_seq2seq(tiny_bart)
    for put in (embedding_width, attention_modules):
        with pytest.raises(UsageError, match="virtual tokens are for models that read a text once"):
            put(writer)
