"""Which rows a person should label next: uncertain and different ones, and always some drawn at random.

Uncertain means a small margin between the two likeliest classes (breaking ties: Scheffer, Decomain & Wrobel 2001; Luo
et al. 2005), different means one row from each cluster of the uncertain slice. Lowell, Lipton & Wallace 2019 and the
EMNLP 2024 paper "On the Fragility of Active Learners" are why the random arm never ends.

Shape suffixes: N rows of the pool, K classes, D vector width.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from oreline.data.labels.features import Codes
from oreline.errors import UsageError

Arm = Literal["chosen", "random"]
_SLICE = 10
"""Uncertain rows among which different ones are looked for, for each row that is wanted."""
_BALANCE = 2
"""How many times its even share of the slice a class may take."""
_ROUNDS = 20
_MAX_CLUSTERED = 20_000
"""Rows that are clustered; of more, as many drawn at random."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One row of the pool that is to be labelled, and why."""

    row: int
    arm: Arm
    why: dict[str, Any] = field(default_factory=dict)


def select_rows(
    num: int,
    vectors_ND: NDArray[np.float32],
    scores_NK: NDArray[np.floating] | None = None,
    *,
    copies_N: Codes | None = None,
    random_share: float = 0.2,
    seed: int = 0,
) -> list[Choice]:
    """Return up to `num` rows of the pool, those of the chosen arm first.

    Args:
        num: rows that are wanted.
        vectors_ND: a unit vector for each row.
        scores_NK: what a model says of each row; without it rows are taken from the middle of clusters (a cold start).
        copies_N: rows of the same code are the same text, of which one is labelled; all rows differ when not given.
        random_share: of the rows that are drawn at random whatever the model says, at least one.
        seed: of what is random.

    Raises:
        UsageError: a number below 1, or a share that leaves one of the arms empty.
    """
    if num < 1 or not 0 < random_share < 1:
        raise UsageError(
            f"select {num} rows, {random_share:g} of them at random", allowed="at least 1 row; a share between 0 and 1"
        )
    random = np.random.default_rng(seed)
    pool = random.permutation(len(vectors_ND))
    if copies_N is not None:
        pool = pool[np.sort(np.unique(copies_N[pool], return_index=True)[1])]
    num = min(num, len(pool))
    num_random = min(max(1, round(num * random_share)), num)
    drawn, rest = pool[:num_random], np.sort(pool[num_random:])
    wanted = num - num_random
    chosen = (
        _uncertain(wanted, rest, vectors_ND, scores_NK, random)
        if scores_NK is not None
        else _central(wanted, rest, vectors_ND, random)
    )
    return [*chosen, *(Choice(int(row), "random", {"drawn": "at random"}) for row in drawn)]


def margins(scores_NK: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the difference between the two largest scores of each row, (N,).

    >>> margins(np.array([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0]])).round(2).tolist()
    [0.2, 1.0]
    """
    if scores_NK.shape[1] < 2:
        return np.ones(len(scores_NK))
    top = np.partition(scores_NK.astype(np.float64), -2, axis=1)
    return np.asarray(top[:, -1] - top[:, -2])


def _uncertain(
    num: int, pool: Codes, vectors_ND: NDArray[np.float32], scores_NK: NDArray[np.floating], random: np.random.Generator
) -> list[Choice]:
    """Return the most uncertain row of each cluster of the uncertain slice."""
    if not num:
        return []
    scores = scores_NK[pool]
    margin = margins(scores)
    some = _balanced(margin, scores.argmax(axis=1), min(num * _SLICE, len(pool)))
    cluster = clusters(vectors_ND[pool[some]], num, random)
    found = []
    for row in _first_of_each(cluster, margin[some], num):
        best = some[row]
        why = {"margin": round(float(margin[best]), 4), "cluster": int(cluster[row])}
        between = np.argsort(-scores[best], kind="stable")[:2]
        found.append(Choice(int(pool[best]), "chosen", {**why, "between": between.tolist()}))
    return found


def _central(num: int, pool: Codes, vectors_ND: NDArray[np.float32], random: np.random.Generator) -> list[Choice]:
    """Return the row in the middle of each cluster, the largest clusters first."""
    if not num:
        return []
    some = np.sort(random.choice(pool, _MAX_CLUSTERED, replace=False)) if len(pool) > _MAX_CLUSTERED else pool
    cluster = clusters(vectors_ND[some], num, random)
    sizes = np.bincount(cluster)
    centres = np.zeros((len(sizes), vectors_ND.shape[1]))
    np.add.at(centres, cluster, vectors_ND[some])
    far = -(vectors_ND[some] * centres[cluster]).sum(axis=1) / sizes[cluster]
    rows = _first_of_each(cluster, far, num)
    rows.sort(key=lambda row: -int(sizes[cluster[row]]))
    return [
        Choice(int(some[row]), "chosen", {"cluster": int(cluster[row]), "rows_in_cluster": int(sizes[cluster[row]])})
        for row in rows
    ]


def _balanced(margin_N: NDArray[np.float64], class_N: Codes, num: int) -> Codes:
    """Return the `num` most uncertain rows, where no class takes much more than its even share."""
    order = np.argsort(margin_N, kind="stable")
    limit = max(1, _BALANCE * num // max(len(np.unique(class_N)), 1))
    taken: dict[int, int] = {}
    first: list[int] = []
    later: list[int] = []
    for row, label in zip(order.tolist(), class_N[order].tolist()):
        taken[label] = taken.get(label, 0) + 1
        (first if taken[label] <= limit else later).append(row)
    return np.array([*first, *later][:num], np.int64)


def _first_of_each(cluster_N: Codes, cost_N: NDArray[np.floating], num: int) -> list[int]:
    """Return the cheapest row of each cluster, then the second of each, until there are `num`."""
    order = np.lexsort((np.arange(len(cost_N)), cost_N))
    seen: dict[int, int] = {}
    rounds = []
    for row in order.tolist():
        label = int(cluster_N[row])
        rounds.append((seen.get(label, 0), row))
        seen[label] = seen.get(label, 0) + 1
    rounds.sort(key=lambda entry: entry[0])
    return [row for _, row in rounds[:num]]


def clusters(vectors_ND: NDArray[np.float32], num: int, random: np.random.Generator) -> Codes:
    """Return each row's cluster, (N,), by k-means with k-means++ seeds (Arthur & Vassilvitskii 2007).

    >>> vectors = np.array([[1, 0], [1, 0.01], [0, 1], [0.01, 1]], np.float32)
    >>> found = clusters(vectors, 2, np.random.default_rng(0))
    >>> bool(found[0] == found[1] != found[2] == found[3])
    True
    """
    num = min(num, len(vectors_ND))
    centres = _seeds(vectors_ND, num, random)
    cluster = np.zeros(len(vectors_ND), np.int64)
    for number in range(_ROUNDS):
        before = cluster
        cluster = (vectors_ND @ centres.T - 0.5 * np.square(centres).sum(axis=1)).argmax(axis=1)
        if number and np.array_equal(cluster, before):
            break
        sizes = np.bincount(cluster, minlength=num)
        sums = np.zeros_like(centres)
        np.add.at(sums, cluster, vectors_ND)
        centres = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centres).astype(np.float32)
    return cluster.astype(np.int64)


def _seeds(vectors_ND: NDArray[np.float32], num: int, random: np.random.Generator) -> NDArray[np.float32]:
    first = int(random.integers(len(vectors_ND)))
    rows = [first]
    distance = np.square(vectors_ND - vectors_ND[first]).sum(axis=1).astype(np.float64)
    for _ in range(1, num):
        total = distance.sum()
        row = (
            int(random.choice(len(distance), p=distance / total)) if total > 0 else int(random.integers(len(distance)))
        )
        rows.append(row)
        distance = np.minimum(distance, np.square(vectors_ND - vectors_ND[row]).sum(axis=1))
    return vectors_ND[rows].copy()
