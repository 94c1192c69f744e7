"""Every row once an epoch, steps of near-equal length, and a place that follows from the step number alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oreline.train.batches import cheapest_parts, class_steps, few_widths, plan_epoch, steps_from, steps_per_epoch

LENGTHS = st.lists(st.integers(1, 200), min_size=1, max_size=120).map(lambda rows: np.array(rows, dtype=np.int64))


@given(LENGTHS, st.integers(1, 40), st.integers(16, 4096), st.integers(0, 3))
def test_an_epoch_holds_every_row_once(lengths_N, rows_per_step: int, token_budget: int, epoch: int):
    plan = plan_epoch(lengths_N, rows_per_step=rows_per_step, token_budget=token_budget, seed=1, epoch=epoch)
    seen = np.concatenate([rows for step in plan for rows in step])
    assert sorted(seen.tolist()) == list(range(len(lengths_N)))
    assert len(plan) == steps_per_epoch(len(lengths_N), rows_per_step)
    for step in plan:
        assert sum(map(len, step)) <= rows_per_step
        for rows in step:
            assert len(rows) == 1 or len(rows) * lengths_N[rows].max() <= token_budget


@given(LENGTHS, st.integers(1, 300))
def test_widths_hold_their_rows_and_are_few(lengths_N, most: int):
    widths_N = few_widths(lengths_N, most)
    assert (widths_N >= lengths_N).all()
    assert (widths_N - lengths_N < 16).all()
    assert (widths_N <= np.maximum(lengths_N, most)).all()
    inside_N = lengths_N <= most
    assert len(np.unique(widths_N[inside_N & (lengths_N > 64)])) <= max(most - 64, 0) // 16 + 1


@given(LENGTHS, st.integers(1, 9), st.data())
def test_continuing_anywhere_gives_the_same_steps(lengths_N, rows_per_step: int, data):
    options = {"rows_per_step": rows_per_step, "token_budget": 500, "seed": 3}
    num_steps = 2 * steps_per_epoch(len(lengths_N), rows_per_step) + 1
    whole = list(steps_from(lengths_N, first=0, num_steps=num_steps, **options))
    first = data.draw(st.integers(0, num_steps))
    rest = list(steps_from(lengths_N, first=first, num_steps=num_steps, **options))
    assert [[rows.tolist() for rows in step] for step in rest] == [[rows.tolist() for rows in s] for s in whole[first:]]


def test_steps_hold_rows_of_near_equal_length():
    lengths_N = np.random.default_rng(0).integers(5, 80, size=2000)
    plan = plan_epoch(lengths_N, rows_per_step=32, token_budget=4096, seed=0, epoch=0)
    padded = sum(len(rows) * lengths_N[rows].max() for step in plan for rows in step)
    assert lengths_N.sum() / padded > 0.97
    means = [lengths_N[step[0]].mean() for step in plan]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.3, "lengths do not follow the step number"


@pytest.mark.parametrize(("rows", "step", "expected"), [(10, 5, 2), (11, 5, 3), (1, 32, 1)])
def test_steps_per_epoch(rows: int, step: int, expected: int):
    assert steps_per_epoch(rows, step) == expected


@given(st.lists(st.integers(0, 6), min_size=1, max_size=80), st.integers(1, 40), st.integers(1, 5), st.integers(0, 3))
def test_classes_come_into_a_step_in_groups(classes: list[int], rows_per_step: int, rows_per_class: int, epoch: int):
    classes_N = np.array(classes)
    given_ = {"rows_per_step": rows_per_step, "rows_per_class": rows_per_class}
    steps = class_steps(classes_N, **given_, seed=1, epoch=epoch)
    assert sorted(np.concatenate(steps).tolist()) == list(range(len(classes)))
    assert len(steps) == len(class_steps(classes_N, **given_, seed=1, epoch=epoch + 1))
    assert all(len(rows) <= max(rows_per_step, rows_per_class) for rows in steps)
    alone = sum((np.bincount(classes_N[rows], minlength=7) == 1).sum() for rows in steps)
    odd = sum(count % rows_per_class == 1 or rows_per_class == 1 for count in np.bincount(classes_N) if count)
    assert rows_per_class == 1 or alone <= odd  # a row is alone only where its class cannot be cut into groups


@given(st.lists(st.integers(1, 60), min_size=1, max_size=8), st.integers(0, 90))
def test_parts_cost_no_more_than_any_other_cut_by_length(lengths: list[int], pass_tokens: int):
    longest_first = sorted(lengths, reverse=True)

    def cheapest(start: int) -> int:  # every cut, tried out
        rest = range(start + 1, len(lengths) + 1)
        costs = [longest_first[start] * (end - start) + pass_tokens + cheapest(end) for end in rest]
        return min(costs, default=0)

    parts = cheapest_parts(np.array(lengths), pass_tokens)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(lengths)))
    cost = sum(len(part) * max(lengths[row] for row in part) + pass_tokens for part in parts)
    assert cost == cheapest(0)
