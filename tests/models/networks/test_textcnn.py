"""Convolutions over tokens beside torch's own."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from oreline.errors import UsageError
from oreline.models.networks.textcnn import Network, windows


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_states_agree_with_conv1d(kernel: int) -> None:
    torch.manual_seed(0)
    body = Network(kernels=[kernel], filters=7, embedding_width=4).body()
    [layer] = body.filters
    weight_FEK = layer.weight.view(7, kernel, 4).transpose(1, 2)
    states_BTE = torch.randn(3, 6, 4)
    padded_BET = F.pad(states_BTE.transpose(1, 2), ((kernel - 1) // 2, kernel // 2))
    expected_BFT = F.relu(F.conv1d(padded_BET, weight_FEK, layer.bias))
    torch.testing.assert_close(body(states_BTE, None), expected_BFT.transpose(1, 2))


def test_a_kernel_longer_than_the_text_sees_zeros() -> None:
    assert windows(torch.ones(1, 1, 1), 4).tolist() == [[[0.0, 1.0, 0.0, 0.0]]]


@pytest.mark.parametrize("wrong", ["345", [], [0], 3, [3, "4"]])
def test_kernels_that_are_none_are_refused(wrong: object) -> None:
    with pytest.raises(UsageError, match="kernels"):
        Network(kernels=wrong)
