"""The loop against a loop written out by hand, and the parts it is made of."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from oreline.models.batch import Batch
from oreline.train.loop import clip_gradients, fit, warmup_then_decay


def batch(rows: int, seed: int) -> Batch:
    ids = torch.randint(0, 50, (rows, 6), generator=torch.Generator().manual_seed(seed))
    return Batch(ids, None, rows * 6, targets=ids.sum(1) % 2, weight=float(rows))


class Model(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = torch.nn.Embedding(50, 8)
        self.out = torch.nn.Linear(8, 2)

    def forward(self, ids):
        return self.out(self.table(ids).mean(1))


def loss(model, given: Batch):
    return torch.nn.functional.cross_entropy(model(given.ids_BT), given.targets, reduction="sum")


def test_it_is_the_loop_one_would_write_by_hand():
    ours, theirs = Model(), Model()
    steps = [[batch(8, number)] for number in range(5)]
    optimizer = torch.optim.AdamW(ours.parameters(), lr=1.0)
    losses = [
        float(s.loss) for s in fit(ours, steps, loss, optimizer, schedule=lambda n: 0.01 / (n + 1), clip_norm=0.5)
    ]
    by_hand = torch.optim.AdamW(theirs.parameters(), lr=1.0)
    for number, (given,) in enumerate(steps):
        by_hand.param_groups[0]["lr"] = 0.01 / (number + 1)
        mean = loss(theirs, given) / 8
        assert losses[number] == pytest.approx(mean.item(), rel=1e-6)
        mean.backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        by_hand.step()
        by_hand.zero_grad()
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter, dict(theirs.named_parameters())[name])


def test_uneven_parts_of_a_step_add_up_to_the_whole():
    whole = batch(9, 1)
    parts = [
        Batch(whole.ids_BT[a:b], None, 6 * (b - a), targets=whole.targets[a:b], weight=float(b - a))
        for a, b in ((0, 5), (5, 6), (6, 9))
    ]
    models = [Model(), Model()]
    for model, step in zip(models, ([whole], parts)):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        made = list(fit(model, [step], loss, optimizer, schedule=lambda _: 0.1))
        assert made[0].num_rows == 9
    for first, second in zip(*(model.parameters() for model in models)):
        torch.testing.assert_close(first, second)


def test_clipping_equals_torch():
    model = Model()
    loss(model, batch(8, 2)).backward()
    other = copy.deepcopy(model)
    for ours, theirs in zip(model.parameters(), other.parameters()):
        theirs.grad = ours.grad.clone()
    clip_gradients(list(model.parameters()), 0.01)
    torch.nn.utils.clip_grad_norm_(other.parameters(), 0.01)
    for ours, theirs in zip(model.parameters(), other.parameters()):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_clipping_reads_sparse_gradients():
    dense, sparse = torch.nn.Embedding(50, 4), torch.nn.Embedding(50, 4, sparse=True)
    sparse.load_state_dict(dense.state_dict())
    ids = torch.tensor([1, 1, 7])
    for table in (dense, sparse):
        table(ids).pow(2).sum().backward()
        clip_gradients(list(table.parameters()), 0.1)
    torch.testing.assert_close(sparse.weight.grad.to_dense(), dense.weight.grad)


def test_the_schedule_rises_and_falls_to_zero():
    rate = warmup_then_decay(2.0, num_steps=100, warmup=0.1)
    rates = [rate(step) for step in range(100)]
    assert max(rates) == pytest.approx(2.0)
    assert rates.index(max(rates)) == 9
    assert rates == sorted(rates[:10]) + sorted(rates[10:], reverse=True)
    assert warmup_then_decay(1.0, 1, 0.0)(0) == 1.0
    assert math.isclose(rate(100), 0.0)
