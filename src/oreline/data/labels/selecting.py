"""Which rows a person should label next: those that settle most of what is in doubt, and always some drawn at random.

A row is in doubt as far as its two likeliest classes are close (their margin: Scheffer, Decomain & Wrobel 2001). What
is asked is not the row in most doubt, which may be the odd one out, but the one whose label would make a linear layer
surest about all doubtful rows: typical of them, and unlike what was labelled before (Yu, Bi & Tresp 2006, "Active
Learning via Transductive Experimental Design", with each row weighted by its doubt). Lowell, Lipton & Wallace 2019 and
the EMNLP 2024 paper "On the Fragility of Active Learners" are why the random arm never ends.

Shape suffixes: N rows of the pool, L labelled rows, K classes, D vector width.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from oreline.data.labels.features import Codes
from oreline.errors import UsageError

Arm = Literal["chosen", "random"]
_PENALTY = 0.5
"""Of the linear layer: 1 over its strength (10), over what a doubtful answer varies by, p (1 - p)."""
_LEAST_DOUBT = 0.01
"""No row is beyond doubt: where a model is sure of everything, rows are taken as at a cold start."""
_REFRESH = 256
"""Steps after which sums are made anew, for the last digits."""
_MAX_ROWS = 20_000
"""Rows among which is chosen; of more, as many drawn at random."""


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
    known_LD: NDArray[np.float32] | None = None,
    copies_N: Codes | None = None,
    random_share: float = 0.2,
    seed: int = 0,
) -> list[Choice]:
    """Return up to `num` rows of the pool, those of the chosen arm first.

    Args:
        num: rows that are wanted.
        vectors_ND: a unit vector for each row.
        scores_NK: what a model says of each row; without it all are in doubt alike (a cold start).
        known_LD: vectors of the rows that are labelled already.
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
    if len(rest) > _MAX_ROWS:
        rest = np.sort(random.choice(rest, max(_MAX_ROWS, num - num_random), replace=False))
    known = [vectors_ND[drawn], *([known_LD] if known_LD is not None else [])]
    chosen = _chosen(num - num_random, rest, vectors_ND, scores_NK, np.concatenate(known))
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


def settling(
    num: int, vectors_ND: NDArray[np.float32], doubt_N: NDArray[np.floating], known_LD: NDArray[np.float32]
) -> tuple[Codes, NDArray[np.float64]]:
    """Return rows whose labels settle most of the doubt, one after another, and the share of it that each settles.

    With rows x labelled, a linear layer's weights have the covariance C = (penalty I + sum of x x^T)^-1, and what it
    says of a row n varies by v_n = x_n^T C x_n. Each step takes the row that lessens the mean of v_n, weighted by
    doubt, most.

    >>> vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    >>> rows, shares = settling(2, vectors, np.ones(3), np.zeros((0, 2), np.float32))
    >>> rows.tolist(), shares.round(3).tolist()
    ([0, 2], [0.444, 0.222])

    Args:
        num: rows that are wanted, at most N.
        vectors_ND: unit vectors.
        doubt_N: how much each row counts.
        known_LD: rows that are labelled already.
    """
    target_DD = ((vectors_ND * doubt_N[:, None]).T @ vectors_ND / len(vectors_ND)).astype(np.float64)
    precision_DD = _PENALTY * np.eye(vectors_ND.shape[1]) + (known_LD.T @ known_LD).astype(np.float64)
    total = float(np.trace(np.linalg.solve(precision_DD, target_DD)))
    rows, shares = np.zeros(0, np.int64), np.zeros(0)
    while len(rows) < num:
        some, gains = _steps(min(_REFRESH, num - len(rows)), vectors_ND, target_DD, precision_DD, rows)
        rows, shares = np.concatenate([rows, some]), np.concatenate([shares, gains / max(total, 1e-12)])
        precision_DD += (vectors_ND[some].T @ vectors_ND[some]).astype(np.float64)
    return rows, shares


def _steps(
    num: int,
    vectors_ND: NDArray[np.float32],
    target_DD: NDArray[np.float64],
    precision_DD: NDArray[np.float64],
    taken: Codes,
) -> tuple[Codes, NDArray[np.float64]]:
    """Take rows, and keep up by updates of rank one what each row varies by and would settle."""
    covariance_DD = np.linalg.inv(precision_DD)
    spread_ND = vectors_ND @ covariance_DD.astype(np.float32)
    varies_N = np.einsum("nd,nd->n", spread_ND, vectors_ND).astype(np.float64)
    settles_N = np.einsum("nd,nd->n", spread_ND @ target_DD.astype(np.float32), spread_ND).astype(np.float64)
    settles_N[taken] = -np.inf
    rows, gains = [], []
    for _ in range(num):
        gain_N = settles_N / (1 + np.maximum(varies_N, 0))
        best = int(gain_N.argmax())
        rows.append(best)
        gains.append(max(float(gain_N[best]), 0.0))
        along_D = covariance_DD @ vectors_ND[best]
        seen_D = target_DD @ along_D
        factor = 1 / (1 + max(float(varies_N[best]), 0.0))
        # One product for both: how far each row moves, and what of that is in doubt.
        both_ND = vectors_ND @ np.stack([along_D, covariance_DD @ seen_D], axis=1).astype(np.float32)
        moves_N, open_N = both_ND[:, 0].astype(np.float64), both_ND[:, 1].astype(np.float64)
        settles_N += factor * moves_N * (factor * moves_N * float(along_D @ seen_D) - 2 * open_N)
        varies_N -= factor * moves_N * moves_N
        covariance_DD -= factor * np.outer(along_D, along_D)
        settles_N[best] = -np.inf
    return np.array(rows, np.int64), np.array(gains)


def _chosen(
    num: int,
    pool: Codes,
    vectors_ND: NDArray[np.float32],
    scores_NK: NDArray[np.floating] | None,
    known_LD: NDArray[np.float32],
) -> list[Choice]:
    """Return the rows of the pool that settle most, with what the model wavers between."""
    if not num:
        return []
    doubt_N = np.ones(len(pool))
    if scores_NK is not None:
        doubt_N = np.maximum(1 - margins(scores_NK[pool]), _LEAST_DOUBT)
    rows, shares = settling(num, vectors_ND[pool], doubt_N, known_LD)
    found = []
    for row, share in zip(pool[rows].tolist(), shares.tolist()):
        why: dict[str, Any] = {"settles": round(share, 4)}
        if scores_NK is not None:
            between = np.argsort(-scores_NK[row], kind="stable")[:2]
            why = {"margin": round(float(margins(scores_NK[[row]])[0]), 4), **why, "between": between.tolist()}
        found.append(Choice(row, "chosen", why))
    return found
