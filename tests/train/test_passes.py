"""Which rows make which pass, before and after the budget is halved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oreline.errors import ResourceError
from oreline.models.batch import Batch, make_batch
from oreline.recipe import TrainOptions
from oreline.train.batches import plan_epoch
from oreline.train.budget import Budget
from oreline.train.passes import Passes

LENGTHS_N = np.random.default_rng(0).integers(4, 40, 50)


def make(rows: Any) -> Batch:
    """A batch whose ids are the rows' numbers."""
    return make_batch([np.full(LENGTHS_N[row], row, np.int32) for row in rows], 0)


def passes_of(resolved: dict[str, Any], said: list[str] | None = None, rows_per_step: int = 8) -> Passes:
    say = said.append if said is not None else lambda message: None
    options = TrainOptions(rows_per_step=rows_per_step)
    return Passes(LENGTHS_N, options, 3, Budget(resolved, lambda found: None), make, say)


def rows_of(batches: Any) -> list[list[int]]:
    return [batch.ids_BT[:, 0].tolist() for batch in batches]


def test_steps_are_those_of_the_plan():
    planned = [
        [rows.tolist() for rows in step]
        for epoch in (0, 1)
        for step in plan_epoch(LENGTHS_N, rows_per_step=8, token_budget=128, seed=3, epoch=epoch)
    ]
    passes = passes_of({"token_budget": 128})
    assert passes.per_epoch == 7
    assert [rows_of(step) for step in passes.steps(2, 12)] == planned[2:12]


def test_steps_are_looked_at_before_their_turn():
    seen: list[list[int]] = []

    def ahead(steps: Any) -> Any:
        known = list(steps)
        seen.extend(np.concatenate(step).tolist() for step in known)
        return iter(known)

    passes = Passes(LENGTHS_N, TrainOptions(), 3, Budget({"token_budget": 128}, lambda _: None), make, print, ahead)
    steps = passes.steps(0, 2)
    first = [row for batch in rows_of(next(steps)) for row in batch]
    assert len(seen) == 2
    assert first == seen[0]


def test_a_step_that_is_cut_again_is_what_a_smaller_budget_would_have_planned():
    said: list[str] = []
    resolved: dict[str, Any] = {"token_budget": 4096}
    passes = passes_of(resolved, said)
    steps = passes.steps(0, 9)
    for _ in range(4):
        at_hand = next(steps)
    smaller = passes.smaller(3, at_hand)
    budget = resolved["token_budget_halved"]["3"]
    assert max(batch.ids_BT.numel() for batch in smaller) <= budget
    assert f"step 4 ran out of memory: from here on, passes of {budget:,} padded tokens" in said[0]
    expected = [rows_of(step) for step in passes_of({"token_budget": budget}).steps(0, 9)]
    assert rows_of(smaller) == expected[3]
    assert [rows_of(step) for step in steps] == expected[4:]
    # A run that continues, or is made again, knows where the budget was halved.
    assert [rows_of(step) for step in passes_of(dict(resolved)).steps(3, 9)] == expected[3:]


def test_rows_that_do_not_fit_alone_are_refused():
    passes = passes_of({"token_budget": 16})
    at_hand = next(passes.steps(0, 1))
    assert all(batch.num_rows == 1 for batch in at_hand[:1])
    with pytest.raises(ResourceError, match="does not suffice"):
        for _ in range(20):
            at_hand = passes.smaller(0, at_hand)


def test_the_trial_has_a_short_and_a_long_step_and_the_largest_pass():
    passes = passes_of({"token_budget": 128})
    trial = passes.trial(make)
    tokens = [sum(batch.ids_BT.numel() for batch in step) for step in passes.steps(0, passes.per_epoch)]
    short, long = (sum(batch.ids_BT.numel() for batch in step) for step in trial.steps)
    assert min(tokens) <= short < long <= max(tokens)
    assert trial.mean_tokens == pytest.approx(np.mean(tokens))
    assert trial.largest_tokens == max(b.ids_BT.numel() for step in passes.steps(0, passes.per_epoch) for b in step)
    shapes = {tuple(batch.ids_BT.shape) for step in passes.steps(0, passes.per_epoch) for batch in step}
    assert trial.num_shapes == len(shapes)
    assert len(passes_of({"token_budget": 128}, rows_per_step=64).trial(make).steps) == 1


def test_the_longest_rows_fill_a_budget():
    passes = passes_of({"token_budget": 128})
    assert LENGTHS_N[passes.longest(1)].tolist() == [LENGTHS_N.max()]
    assert len(passes.longest(3 * int(LENGTHS_N.max()))) == 3
    assert len(passes.longest(1 << 40)) == 8
