"""How rows were divided while all of them lay in memory: what the split on streams is compared with.

Shape suffixes: N rows, S splits, K classes, U units (sets of rows that must not be torn apart).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

_TENTHS = 10

Codes = NDArray[np.int64]
Places = NDArray[np.int64]
"""For each row, the index of its split in the order of the shares."""


def places(keys: pl.DataFrame, shares: Mapping[str, float], *, seed: int = 0, gap_us: int = 0) -> Places:
    """Return the split of every row, as an index into `shares`, shape (N,).

    Args:
        keys: one row a row of data: `hash_high` of its folded text, where there are such roles `label`, `group` and
            `time` (a datetime), and codes of what else belongs `together`.
        shares: share of each split. With `time` the oldest rows go to the first, and nothing else counts.
        seed: the same rows, shares and seed give the same splits, however the rows were framed.
        gap_us: with `time`, rows of a split that lie less than this (microseconds) before the next one have the place
            -1.
    """
    shares_S = np.array(list(shares.values()), dtype=np.float64)
    shares_S /= shares_S.sum()
    if "time" in keys.columns:
        time_N = keys["time"].to_physical().to_numpy()
        return _purged(_along_time(time_N, shares_S), time_N, gap_us)
    together = [_codes(keys[name]) for name in ("hash_high", "group", "together") if name in keys.columns]
    labels_N = strata(keys["label"], len(shares_S)) if "label" in keys.columns else np.zeros(keys.height, np.int64)
    return _stratified(components(together), labels_N, shares_S, np.random.default_rng(seed))


def strata(labels: pl.Series, num_splits: int) -> Codes:
    """Return what rows are stratified by, as codes: their label, where most rows share theirs with some others.

    Numbers and combinations of labels are mostly labels of their own, and a class with fewer rows than there are splits
    has no shares: numbers are then stratified by tenths of their ranks, others not at all.
    """
    codes_N = _codes(labels)
    rows_of_class = np.bincount(codes_N)[codes_N] if len(codes_N) else codes_N
    if not len(codes_N) or (rows_of_class >= num_splits).mean() >= 0.5:
        return codes_N
    numbers = labels.cast(pl.Float64, strict=False)
    if numbers.null_count() > labels.null_count() or not numbers.is_finite().all():
        return np.zeros_like(codes_N)
    ranks_N = numbers.fill_null(-math.inf).rank("ordinal").to_numpy().astype(np.int64) - 1
    return ranks_N * _TENTHS // len(ranks_N)


def _stratified(units_N: Codes, labels_N: Codes, shares_S: NDArray[np.float64], random: np.random.Generator) -> Places:
    """Place units of several rows greedily, the largest first; then fill up every class with the single rows."""
    num_rows, num_classes = len(labels_N), labels_N.max(initial=0) + 1
    places_N = np.full(num_rows, -1, np.int64)
    placed_SK = np.zeros((len(shares_S), num_classes))
    target_SK = shares_S[:, None] * np.bincount(labels_N, minlength=num_classes)
    sizes_U = np.bincount(units_N)
    is_single_N = sizes_U[units_N] == 1 if num_rows else np.zeros(0, np.bool_)
    for rows in _large_units(units_N, sizes_U, random):
        classes, counts = np.unique(labels_N[rows], return_counts=True)
        place = _best_place(placed_SK, target_SK, classes, counts)
        placed_SK[place, classes] += counts
        places_N[rows] = place
    singles = np.flatnonzero(is_single_N)
    quota_SK = _quotas(placed_SK, target_SK, np.bincount(labels_N[singles], minlength=num_classes), random)
    shuffled = singles[random.permutation(len(singles))]
    by_class = shuffled[np.argsort(labels_N[shuffled], kind="stable")]
    places_N[by_class] = np.repeat(np.tile(np.arange(len(shares_S)), num_classes), quota_SK.T.ravel())
    return places_N


def _large_units(units_N: Codes, sizes_U: NDArray[np.int64], random: np.random.Generator) -> list[NDArray[np.int64]]:
    """Return the rows of each unit of two or more, large ones first, in random order among those of like size."""
    rows = np.argsort(units_N, kind="stable")
    starts_U = np.concatenate([[0], np.cumsum(sizes_U)])
    large = np.flatnonzero(sizes_U > 1)
    large = large[random.permutation(len(large))]
    # Like size means the same power of two: enough order for close shares, enough chance for fair splits.
    large = large[np.argsort(-np.floor(np.log2(sizes_U[large])), kind="stable")]
    return [rows[starts_U[unit] : starts_U[unit + 1]] for unit in large]


def _best_place(
    placed_SK: NDArray[np.float64], target_SK: NDArray[np.float64], classes: Codes, counts: NDArray[np.int64]
) -> int:
    """Return the split where a unit lowers the chi-squared distance to the targets most, in classes and in size.

    sum over classes of ((n + u - t)^2 - (n - t)^2) / t, plus the same for the split as a whole.
    """
    gap_SC = placed_SK[:, classes] - target_SK[:, classes]
    cost_S = ((2 * gap_SC * counts + counts**2) / target_SK[:, classes]).sum(axis=1)
    size = counts.sum()
    target_S = target_SK.sum(axis=1)
    cost_S += (2 * size * (placed_SK.sum(axis=1) - target_S) + size**2) / target_S
    return int(np.argmin(cost_S))


def _quotas(
    placed_SK: NDArray[np.float64],
    target_SK: NDArray[np.float64],
    singles_K: NDArray[np.int64],
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Return how many single rows of each class go to each split: whole numbers that sum to the singles.

    A class is rounded down everywhere first. What remains goes where the split as a whole lacks most, but a
    class that the largest split lacks goes there: a label that is tested must have been seen in training.
    """
    need_SK = np.maximum(target_SK - placed_SK, 0)
    total_K = need_SK.sum(axis=0)
    exact_SK = np.where(total_K > 0, need_SK * singles_K / np.where(total_K > 0, total_K, 1), 0)
    quota_SK = np.floor(exact_SK + 1e-9).astype(np.int64)
    largest = int(np.argmax(target_SK.sum(axis=1)))
    lacking_S = target_SK.sum(axis=1) - placed_SK.sum(axis=1) - quota_SK.sum(axis=1)
    for label in random.permutation(len(singles_K)):
        for _ in range(int(singles_K[label] - quota_SK[:, label].sum())):
            is_unseen = placed_SK[largest, label] + quota_SK[largest, label] == 0
            place = largest if is_unseen else int(np.argmax(lacking_S))
            quota_SK[place, label] += 1
            lacking_S[place] -= 1
    return quota_SK


def _along_time(time_N: NDArray[np.int64], shares_S: NDArray[np.float64]) -> Places:
    """The oldest rows first; rows of one moment stay together, on the side of the older split."""
    order = np.argsort(time_N, kind="stable")
    cuts = np.rint(np.cumsum(shares_S)[:-1] * len(time_N)).astype(np.int64)
    sorted_N = time_N[order]
    cuts = np.array(
        [np.searchsorted(sorted_N, sorted_N[cut - 1], side="right") if cut else 0 for cut in cuts], np.int64
    )
    places_N = np.empty(len(time_N), np.int64)
    places_N[order] = np.searchsorted(cuts, np.arange(len(time_N)), side="right")
    return places_N


def _purged(places_N: Places, time_N: NDArray[np.int64], gap_us: int) -> Places:
    """Mark the rows that lie within the gap before the first row of a later split."""
    for place in range(1, places_N.max(initial=0) + 1) if gap_us else ():
        if (is_later := places_N >= place).any():
            is_close = (places_N >= 0) & (places_N < place) & (time_N > time_N[is_later].min() - gap_us)
            places_N = np.where(is_close, -1, places_N)
    return places_N


def _codes(column: pl.Series) -> Codes:
    """Number the distinct values from 0 in their order; each null is a value of its own."""
    if column.dtype.is_integer() and not column.null_count():
        return np.unique(column.to_numpy(), return_inverse=True)[1].astype(np.int64, copy=False)
    dense = column.rank("dense").cast(pl.Int64).to_frame("code")
    number = pl.int_range(pl.len()).cast(pl.Int64)
    filled = dense.select(pl.col("code").fill_null(number + pl.len() + 1)).to_series().to_numpy()
    return np.unique(filled, return_inverse=True)[1].astype(np.int64)


def connected(num_rows: int, first_E: Codes, second_E: Codes) -> Codes:
    """Return, for each row, the smallest row that it is connected with, shape (N,).

    Every round hooks each component to its smallest neighbour and then shortens all ways to one step; of the components
    that have a neighbour at most half are left, so a chain of n rows takes about log n rounds.

    >>> connected(5, np.array([3, 1]), np.array([1, 0])).tolist()
    [0, 0, 2, 0, 4]
    """
    root_N = np.arange(num_rows)
    while True:
        one_E, other_E = root_N[first_E], root_N[second_E]
        differs = one_E != other_E
        if not differs.any():
            return root_N
        first_E, second_E, one_E, other_E = first_E[differs], second_E[differs], one_E[differs], other_E[differs]
        np.minimum.at(root_N, np.maximum(one_E, other_E), np.minimum(one_E, other_E))
        while True:
            shorter_N = root_N[root_N]
            if np.array_equal(shorter_N, root_N):
                break
            root_N = shorter_N


def components(codes: Sequence[Codes]) -> Codes:
    """Return connected components of rows, where equal codes of any kind connect; numbered from 0, shape (N,).

    They are numbered in the order of their smallest codes of the first kind: what is drawn by these numbers (splits)
    does not depend on which other kinds there are.

    >>> components([np.array([0, 0, 1, 2]), np.array([5, 6, 6, 7])]).tolist()
    [0, 0, 0, 1]
    """
    if len(codes) == 1:
        return np.unique(codes[0], return_inverse=True)[1].astype(np.int64, copy=False)
    num_rows = len(codes[0])
    firsts = []
    for code_N in codes:
        _, first, inverse = np.unique(code_N, return_index=True, return_inverse=True)
        firsts.append(first[inverse])
    own = np.tile(np.arange(num_rows), len(firsts))
    root_N = connected(num_rows, own, np.concatenate(firsts))
    smallest_N = np.full(num_rows, num_rows)
    np.minimum.at(smallest_N, root_N, np.unique(codes[0], return_inverse=True)[1])
    return np.unique(smallest_N[root_N], return_inverse=True)[1].astype(np.int64)
