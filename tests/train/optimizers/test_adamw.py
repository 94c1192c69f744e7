"""Row-wise AdamW against torch's own."""

from __future__ import annotations

import copy

import pytest
import torch

from oreline.errors import UsageError
from oreline.train.optimizers.adamw import Optimizer, RowwiseAdamW


def test_dense_parameters_move_as_torchs_adamw_moves_them():
    torch.manual_seed(0)
    ours = torch.nn.Linear(6, 3)
    theirs = copy.deepcopy(ours)
    mine = Optimizer().build(ours, learning_rate=0.01, weight_decay=0.1)
    groups = [{"params": [theirs.weight], "weight_decay": 0.1}, {"params": [theirs.bias], "weight_decay": 0.0}]
    other = torch.optim.AdamW(groups, lr=0.01)
    for _ in range(5):
        inputs = torch.randn(4, 6)
        for model, optimizer in ((ours, mine), (theirs, other)):
            model(inputs).pow(2).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
    torch.testing.assert_close(ours.weight, theirs.weight)
    torch.testing.assert_close(ours.bias, theirs.bias)
    assert all(group["fused"] for group in mine.param_groups)


def test_rows_move_as_in_dense_adamw_without_first_moment():
    torch.manual_seed(0)
    ours = torch.nn.Embedding(5000, 4, sparse=True)
    theirs = torch.nn.Embedding(5000, 4)
    theirs.load_state_dict(ours.state_dict())
    before = ours.weight.detach().clone()
    mine = RowwiseAdamW([{"params": [ours.weight], "weight_decay": 0.0}], lr=0.01, betas=(0.9, 0.99), fused=True)
    other = torch.optim.AdamW(theirs.parameters(), lr=0.01, betas=(0.0, 0.99), weight_decay=0.0)
    for step in range(6):
        # Row 3 occurs twice in every step, 17 in every third, 4999 once: the gaps must decay the second moment.
        ids = torch.tensor([3, 3, *([17] if step % 3 == 0 else []), *([4999] if step == 2 else [])])
        for model, optimizer in ((ours, mine), (theirs, other)):
            model(ids).pow(2).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
    torch.testing.assert_close(ours.weight, theirs.weight, atol=1e-6, rtol=1e-5)
    moved = (ours.weight != before).any(dim=1).nonzero().flatten().tolist()
    assert moved == [3, 17, 4999]


def test_small_tables_and_tied_ones_stay_dense():
    small = torch.nn.Sequential(torch.nn.Embedding(100, 4))
    Optimizer().build(small, learning_rate=0.1, weight_decay=0.0)
    assert not small[0].sparse
    large = torch.nn.Sequential(torch.nn.Embedding(5000, 4))
    Optimizer(rowwise=False).build(large, learning_rate=0.1, weight_decay=0.0)
    assert not large[0].sparse
    Optimizer().build(large, learning_rate=0.1, weight_decay=0.0)
    assert large[0].sparse


def test_rows_move_by_their_layers_rate_and_decay_by_it():
    torch.manual_seed(0)
    table = torch.nn.Embedding(5000, 4, sparse=True)
    before = table.weight.detach().clone()
    optimizer = RowwiseAdamW([{"params": [table.weight], "scale": 0.5, "weight_decay": 0.1}], lr=0.01, fused=True)
    optimizer.param_groups[0]["lr"] = 0.5 * 0.01  # as the loop sets it
    table(torch.tensor([3])).sum().backward()
    optimizer.step()
    # The first step divides a gradient by its own size: the row moves by the rate.
    torch.testing.assert_close(table.weight[3].detach(), before[3] * (1 - 0.005 * 0.1) - 0.005)


def test_a_decay_rate_of_one_is_refused():
    with pytest.raises(UsageError, match="adamw: beta2 is 1"):
        Optimizer(beta2=1)
