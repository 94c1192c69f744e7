"""Networks of our own as transformers models."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModel

from oreline.errors import UsageError
from oreline.models.load import load_classifier, load_encoder, load_masked
from oreline.models.network import NetworkConfig, NetworkModel, positive, share

OPTIONS = {"width": 8, "embedding_width": 6, "vocabulary": 50}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A saved network of random weights."""
    torch.manual_seed(0)
    NetworkModel(NetworkConfig(network="bilstm", options=OPTIONS, vocab_size=50)).save_pretrained(tmp_path)
    return tmp_path


def test_what_is_saved_is_opened_with_its_options(folder: Path) -> None:
    opened = load_encoder(folder)
    assert opened.config.options == OPTIONS
    assert opened.embeddings.weight.shape == (50, 6)
    states_BTD = opened(input_ids=torch.tensor([[2, 7, 3]])).last_hidden_state
    assert states_BTD.shape == (1, 3, 8)
    again = AutoModel.from_pretrained(folder)  # from here on transformers knows it too
    torch.testing.assert_close(again.eval()(input_ids=torch.tensor([[2, 7, 3]])).last_hidden_state, states_BTD)


def test_embeddings_stand_for_ids(folder: Path) -> None:
    opened = load_encoder(folder).eval()
    ids_BT = torch.tensor([[2, 7, 3]])
    by_ids = opened(input_ids=ids_BT).last_hidden_state
    torch.testing.assert_close(opened(inputs_embeds=opened.get_input_embeddings()(ids_BT)).last_hidden_state, by_ids)


def test_what_a_network_lacks_is_said(folder: Path) -> None:
    with pytest.raises(UsageError, match="'bilstm' has no token that sums up the text"):
        load_classifier(folder, 2, pooling="first")


def test_masked_tokens_are_guessed_by_what_was_saved_and_a_new_head(folder: Path) -> None:
    opened, encoder = load_masked(folder).eval(), load_encoder(folder).eval()
    ids_BT = torch.tensor([[2, 7, 3]])
    assert opened.guess[3].weight is opened.network.embeddings.weight
    torch.testing.assert_close(opened.network.embeddings.weight, encoder.embeddings.weight)
    logits_BTV = opened(input_ids=ids_BT).logits
    assert logits_BTV.shape == (1, 3, 50)
    torch.testing.assert_close(logits_BTV, opened.guess(encoder(input_ids=ids_BT).last_hidden_state))
    assert logits_BTV.abs().max() < 10, "the new head begins small"


def test_a_head_of_another_size_is_new(folder: Path) -> None:
    tagger = load_classifier(folder, 5, pooling="token")
    assert tagger(input_ids=torch.tensor([[2, 7, 3]])).logits.shape == (1, 3, 5)
    assert tagger.new_weights == {"classifier.weight", "classifier.bias"}


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="bilstm: width is 0"):
        positive("bilstm", width=0)
    with pytest.raises(UsageError, match="bilstm: dropout is 1"):
        share("bilstm", dropout=1)
