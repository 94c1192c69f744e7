"""A bidirectional LSTM beside torch's own, fed with packed rows."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from oreline.errors import UsageError
from oreline.models.networks.bilstm import Network, turned_round


def test_states_agree_with_packed_sequences() -> None:
    """The oracle is torch's bidirectional LSTM over packed rows, with the same weights."""
    torch.manual_seed(0)
    body = Network(width=12, layers=2, embedding_width=5).body().eval()
    oracle = nn.LSTM(5, 6, num_layers=2, bidirectional=True, batch_first=True)
    for layer, (ahead, back) in enumerate(zip(body.ahead, body.back)):
        for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(oracle, f"{part}_l{layer}").data.copy_(getattr(ahead, f"{part}_l0"))
            getattr(oracle, f"{part}_l{layer}_reverse").data.copy_(getattr(back, f"{part}_l0"))
    states_BTE, lengths = torch.randn(4, 7, 5), torch.tensor([3, 7, 1, 5])
    mask_BT = (torch.arange(7) < lengths[:, None]).long()
    packed = pack_padded_sequence(states_BTE, lengths, batch_first=True, enforce_sorted=False)
    expected_BTD, _ = pad_packed_sequence(oracle(packed)[0], batch_first=True)
    found_BTD = body(states_BTE, mask_BT)
    torch.testing.assert_close(found_BTD * mask_BT[..., None], expected_BTD)
    torch.testing.assert_close(body(states_BTE[1:2], None), expected_BTD[1:2])


def test_turning_round_twice_is_nothing() -> None:
    mask_BT = (torch.arange(6) < torch.tensor([[6], [2], [0]])).long()
    order_BT = turned_round(torch.zeros(3, 6, 1), mask_BT)
    assert torch.equal(order_BT.gather(1, order_BT), torch.arange(6).expand(3, -1))


def test_an_odd_width_is_refused() -> None:
    with pytest.raises(UsageError, match="even number"):
        Network(width=5)
