"""The mean and the largest over tokens, and a classifier on top of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from oreline.models.load import load_encoder
from oreline.models.pooling import PooledClassifier, largest_over_tokens, mean_over_tokens


def test_the_mean_is_over_real_tokens_only():
    torch.manual_seed(0)
    hidden_BTD = torch.randn(3, 5, 4)
    mask_BT = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]])
    by_hand = torch.stack([hidden_BTD[b, : int(mask_BT[b].sum())].mean(0) for b in range(3)])
    torch.testing.assert_close(mean_over_tokens(hidden_BTD, mask_BT), by_hand)
    torch.testing.assert_close(mean_over_tokens(hidden_BTD, None), hidden_BTD.mean(1))


def test_a_row_without_tokens_is_not_a_number_out_of_nothing():
    assert mean_over_tokens(torch.ones(1, 2, 3), torch.zeros(1, 2, dtype=torch.long)).tolist() == [[0.0, 0.0, 0.0]]


def test_the_largest_is_of_real_tokens_only():
    torch.manual_seed(0)
    hidden_BTD = torch.randn(3, 5, 4)
    mask_BT = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]])
    by_hand = torch.stack([hidden_BTD[b, : int(mask_BT[b].sum())].max(0).values for b in range(3)])
    torch.testing.assert_close(largest_over_tokens(hidden_BTD, mask_BT), by_hand)
    torch.testing.assert_close(largest_over_tokens(hidden_BTD, None), hidden_BTD.max(1).values)


def test_only_a_configuration_that_says_so_drops_what_the_head_reads(tiny_start: Path):
    encoder = load_encoder(tiny_start)
    assert not hasattr(PooledClassifier(encoder, 3).dropout, "p")
    encoder.config.head_dropout = 0.4
    assert PooledClassifier(encoder, 3).dropout.p == 0.4


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_padding_changes_no_logit(pooling: str, tiny_start: Path):
    model = PooledClassifier(load_encoder(tiny_start), 3, pooling).eval()
    short = model(input_ids=torch.tensor([[2, 7, 3]])).logits
    padded = torch.tensor([[2, 7, 3, 0, 0], [2, 8, 9, 10, 3]])
    both = model(input_ids=padded, attention_mask=(padded != 0).long()).logits
    torch.testing.assert_close(both[:1], short, atol=1e-5, rtol=1e-5)


def test_marks_are_read_side_by_side_whatever_is_padded(tiny_start: Path):
    model = PooledClassifier(load_encoder(tiny_start), 3, "marks").eval()
    short = model(input_ids=torch.tensor([[2, 7, 3]]), places=torch.tensor([[2, 1]]))
    padded, places = torch.tensor([[2, 7, 3, 0, 0], [2, 8, 9, 10, 3]]), torch.tensor([[2, 1], [0, 4]])
    both = model(input_ids=padded, attention_mask=(padded != 0).long(), places=places)
    torch.testing.assert_close(both.logits[:1], short.logits, atol=1e-5, rtol=1e-5)
    hidden_BTD = model.encoder(input_ids=padded, attention_mask=(padded != 0).long()).last_hidden_state
    torch.testing.assert_close(both.pooled[1], torch.cat([hidden_BTD[1, 0], hidden_BTD[1, 4]]))
    with pytest.raises(ValueError, match="no marks"):
        model(input_ids=padded)
