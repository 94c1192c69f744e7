"""Which rows make which step: batches of near-equal length, cut by a token budget; packed rows for pretraining.

Everything follows from (lengths, seed, epoch), so that a run that continues finds its place by a step number alone.
Shape suffixes: N rows, B rows of one batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from oreline.runtime.batching import length_batches

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EXACT_UP_TO, _WIDTH_STEP = 64, 16
"""Of short texts, padding costs as much as compiling for one more length (docs/decisions/052)."""
Plan = list[list["NDArray[np.int64]"]]
"""For each optimizer step, the row indices of each of its forward passes."""


def plan_epoch(lengths_N: NDArray[np.int64], *, rows_per_step: int, token_budget: int, seed: int, epoch: int) -> Plan:
    """Cut one epoch into steps of rows of near-equal length, in random order.

    Rows are shuffled, sorted by length (equal lengths stay shuffled), cut into steps, and the steps are shuffled: on
    short texts most steps need no padding at all. A step beyond the token budget is cut into several forward passes.

    >>> plan = plan_epoch(np.array([5, 9, 5, 9]), rows_per_step=2, token_budget=100, seed=0, epoch=0)
    >>> sorted(sorted(rows.tolist()) for step in plan for rows in step)
    [[0, 2], [1, 3]]
    """
    source = np.random.default_rng([seed, epoch])
    shuffled_N = source.permutation(len(lengths_N))
    sorted_N = shuffled_N[np.argsort(lengths_N[shuffled_N], kind="stable")]
    chunks = [sorted_N[start : start + rows_per_step] for start in range(0, len(sorted_N), rows_per_step)]
    order = source.permutation(len(chunks))
    return [_cut(chunks[index], lengths_N, token_budget) for index in order]


def steps_from(
    lengths_N: NDArray[np.int64], *, first: int, num_steps: int, rows_per_step: int, token_budget: int, seed: int
) -> Iterator[list[NDArray[np.int64]]]:
    """Yield the steps number `first` to `num_steps - 1`, epoch after epoch."""
    per_epoch = steps_per_epoch(len(lengths_N), rows_per_step)
    number = first
    while number < num_steps:
        epoch, offset = divmod(number, per_epoch)
        plan = plan_epoch(lengths_N, rows_per_step=rows_per_step, token_budget=token_budget, seed=seed, epoch=epoch)
        for step in plan[offset : offset + num_steps - number]:
            yield step
            number += 1


def few_widths(lengths_N: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Round lengths above 64 tokens up to multiples of 16, to `most` at most: rows of few widths make few shapes.

    >>> few_widths(np.array([5, 64, 65, 80, 97]), most=100).tolist()
    [5, 64, 80, 80, 100]
    """
    rounded_N = np.minimum(-(-lengths_N // _WIDTH_STEP) * _WIDTH_STEP, np.maximum(lengths_N, most))
    return np.where(lengths_N > _EXACT_UP_TO, rounded_N, lengths_N)


def cut_again(
    parts: Sequence[NDArray[np.int64]], lengths_N: NDArray[np.int64], token_budget: int
) -> list[NDArray[np.int64]]:
    """Cut the rows of a step by another budget, as if it had been planned with it.

    >>> [part.tolist() for part in cut_again([np.array([1, 0]), np.array([2])], np.array([3, 5, 2]), token_budget=6)]
    [[1], [0, 2]]
    """
    return _cut(np.concatenate(parts), lengths_N, token_budget)


def steps_per_epoch(num_rows: int, rows_per_step: int) -> int:
    """Return how many steps one pass over the rows takes."""
    return -(-num_rows // rows_per_step)


def cheapest_parts(lengths_N: NDArray[np.int64], pass_tokens: int) -> list[NDArray[np.int64]]:
    """Cut rows by length so that padded tokens, and `pass_tokens` more for each part, are fewest.

    Rows in order of length are cut where it is cheapest: the best cut of the first i of them is the best one of the
    first j, and a part from j to i.

    >>> [part.tolist() for part in cheapest_parts(np.array([60, 8, 58, 9]), pass_tokens=20)]
    [[0, 2], [3, 1]]
    >>> [part.tolist() for part in cheapest_parts(np.array([60, 8, 58, 9]), pass_tokens=200)]
    [[0, 2, 3, 1]]
    """
    order_N = np.argsort(-lengths_N, kind="stable")
    longest_N, places = lengths_N[order_N].astype(np.float64), np.arange(len(order_N))
    cost, begins = np.zeros(len(order_N) + 1), np.zeros(len(order_N) + 1, dtype=np.int64)
    for end in range(1, len(order_N) + 1):
        costs = cost[:end] + longest_N[:end] * (end - places[:end]) + pass_tokens
        begins[end] = costs.argmin()
        cost[end] = costs[begins[end]]
    parts, end = [], len(order_N)
    while end:
        parts.append(order_N[begins[end] : end])
        end = int(begins[end])
    return parts[::-1]


def class_steps(
    classes_N: NDArray[np.int64], *, rows_per_step: int, rows_per_class: int, seed: int, epoch: int
) -> list[NDArray[np.int64]]:
    """Cut one epoch into steps in which each class has several rows; the row indices of each step.

    The rows of a class are shuffled and cut into groups, the groups of all classes are shuffled and dealt to the steps.

    >>> steps = class_steps(np.array([0, 1, 0, 1]), rows_per_step=2, rows_per_class=2, seed=0, epoch=0)
    >>> sorted(sorted(rows.tolist()) for rows in steps)
    [[0, 2], [1, 3]]
    """
    source = np.random.default_rng([seed, epoch])
    groups = []
    for name in np.unique(classes_N):
        rows = source.permutation(np.flatnonzero(classes_N == name))
        groups += [rows[start : start + rows_per_class] for start in range(0, len(rows), rows_per_class)]
    per_step = max(rows_per_step // rows_per_class, 1)
    shuffled = [groups[index] for index in source.permutation(len(groups))]
    return [np.concatenate(shuffled[start : start + per_step]) for start in range(0, len(groups), per_step)]


def _cut(rows: NDArray[np.int64], lengths_N: NDArray[np.int64], token_budget: int) -> list[NDArray[np.int64]]:
    return [rows[part] for part in length_batches(lengths_N[rows], token_budget, max_rows=len(rows))]
