"""The loop against a loop written out by hand, and the parts it is made of."""

from __future__ import annotations

import copy
import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given as drawn
from hypothesis import strategies as st

from oreline.errors import ResourceError
from oreline.models.batch import Batch
from oreline.recipe import Schedule, TrainOptions
from oreline.train.loop import Cuttable, clip_gradients, fit, schedule


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


def test_a_groups_scale_multiplies_its_rate():
    model = Model()
    groups = [{"params": model.table.parameters(), "scale": 0.25}, {"params": model.out.parameters()}]
    optimizer = torch.optim.SGD(groups, lr=1.0)
    for number, made in enumerate(fit(model, [[batch(4, 0)]] * 2, loss, optimizer, schedule=lambda n: 0.1 / (n + 1))):
        rate = 0.1 / (number + 1)
        assert [group["lr"] for group in optimizer.param_groups] == [0.25 * rate, rate]
        assert made.learning_rate == rate


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("linear", [0.5, 1.0, 1.5, 2.0, 2.0, 1.6, 1.2, 0.8, 0.4]),  # 2 · (9 - n) / 5 from step 4 on
        ("cosine", [0.5, 1.0, 1.5, 2.0, 2.0, 1.809017, 1.309017, 0.690983, 0.190983]),  # 1 + cos(36° k)
        ("constant", [0.5, 1.0, 1.5, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]),
        ("inverse_sqrt", [0.5, 1.0, 1.5, 2.0, 1.788854, 1.632993, 1.511858, 1.414214, 1.333333]),  # 4 / √(n + 1)
    ],
)
def test_schedules_by_hand(name: Schedule, expected: list[float]):
    rate = schedule(name, 2.0, num_steps=9, warmup=0.4)  # 3.6 steps of warm-up are 4
    assert [rate(step) for step in range(9)] == pytest.approx(expected, abs=1e-6)


@drawn(
    st.sampled_from(["linear", "cosine", "constant", "inverse_sqrt"]),
    st.floats(1e-6, 10),
    st.integers(1, 2000),
    st.floats(0, 0.99),
)
def test_schedules_reach_the_peak_and_never_exceed_it(name: Schedule, peak: float, num_steps: int, warmup: float):
    rate = schedule(name, peak, num_steps, warmup)
    rates = np.array([rate(step) for step in range(num_steps)]) / peak
    rising = math.ceil(num_steps * warmup)
    assert (rates > 0).all()
    assert (rates <= 1 + 1e-15).all()  # a product and a quotient by the same number round twice
    assert rates[max(rising - 1, 0)] == pytest.approx(1, rel=1e-15)
    assert (np.diff(rates[:rising]) > 0).all()
    assert (np.diff(rates[rising:]) <= 0).all()  # it never rises again
    if name in {"linear", "cosine"}:
        # The first step after the warm-up has the peak too, the last of n a share of 1/n (cosine: 2.5/n² or less).
        assert (np.diff(rates[rising:]) < 0).all()
        assert rates[-1] <= (1 + 1e-9) / max(num_steps - rising, 1)
        assert rate(num_steps) == pytest.approx(0, abs=1e-12)


def test_the_recipe_knows_the_schedules():
    assert schedule(TrainOptions().schedule, 1.0, 10, 0.0)(5) == 0.5
    assert TrainOptions(schedule="constant").schedule == "constant"
    with pytest.raises(ValueError, match="linear"):
        TrainOptions(schedule="square")


def test_a_step_that_runs_out_of_memory_is_made_again_in_smaller_batches():
    """From where it began: no gradient of the first try is left, and random numbers are drawn anew."""
    whole = batch(8, 1)
    parts = [slice(0, 4), slice(4, 8)]
    halves = [Batch(whole.ids_BT[part], None, 24, targets=whole.targets[part], weight=4.0) for part in parts]

    def made(steps, limit: int) -> tuple[Model, float]:
        model = Model()

        def hungry(model, given: Batch):
            noise = torch.rand(()) * 0  # drawn, so that the state of the generator is seen to be set back
            found = loss(model, given) + noise
            if given.num_rows > limit:
                raise MemoryError
            return found

        torch.manual_seed(5)
        (step,) = fit(model, steps, hungry, torch.optim.SGD(model.parameters(), lr=1.0), schedule=lambda _: 0.1)
        return model, float(step.loss)

    asked: list[int] = []

    def smaller(number: int, batches):
        asked.append(number)
        return halves

    again, its_loss = made(Cuttable([[halves[0], whole]], smaller), limit=4)
    drawn = torch.rand(())
    plain, expected = made([halves], limit=8)
    assert asked == [0]
    assert its_loss == expected
    assert torch.equal(torch.rand(()), drawn)
    for parameter, other in zip(again.parameters(), plain.parameters()):
        assert torch.equal(parameter, other)
    with pytest.raises(ResourceError, match="a step of 8 rows"):
        made([[whole]], limit=4)


def test_another_failure_is_no_lack_of_memory():
    def broken(model, given: Batch):
        raise RuntimeError("shapes cannot be multiplied")

    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    with pytest.raises(RuntimeError, match="shapes"):
        list(fit(model, [[batch(4, 1)]], broken, optimizer, schedule=lambda _: 0.1))


def test_a_step_without_a_term_leaves_no_nan():
    """Of a short text no token may be masked: there is nothing to predict."""
    model = Model()
    empty = dataclasses.replace(batch(1, 0), targets=torch.full((1,), -100), weight=0.0)
    (step,) = fit(model, [[empty]], loss, torch.optim.AdamW(model.parameters()), schedule=lambda _: 0.1)
    assert float(step.loss) == 0
    assert all(parameter.isfinite().all() for parameter in model.parameters())
