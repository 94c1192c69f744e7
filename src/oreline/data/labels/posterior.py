"""How probable each class is for a row, given what a model says of it, its label, and how labels go wrong on the whole.

With T, the chance that a row of class i bears the label j, and s, what the text alone says, the row's class is i with a
probability in proportion to s_i T_ij: a label is evidence itself, and the more so the more classes there are, since a
wrong one rarely falls on what the model finds likely too. Labels were seen by the model that says s, so that it wavers
as much as they do: s is sharpened (exponent 1/temperature) until s and T together explain the given labels best.

T begins as confident learning counts it (Northcutt, Jiang & Chuang 2021), or as mistakes that fall on any class, or
half of each, whichever explains best the labels of rows that it was not counted from; some rounds of expectation
maximisation then fit it (Dawid & Skene 1979, with the model in the place of the other annotators).

Shape suffixes: N rows, K classes, S starts, T temperatures, R some of the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
Array = NDArray[np.float64]
Probabilities = NDArray[np.float32]

_TEMPERATURES = (0.2, 0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
_NUM_STARTS = 3
_ROUNDS = 10
_PRIOR_ROWS = 10.0
"""Rows of each class that speak for the beginning; a rare class does not move far from it."""
_LEAST_RIGHT = 0.5
"""Of a class's rows at least so many are taken to bear its name: else classes could trade names, or vanish."""
_MAX_ROWS = 20_000
"""By which the temperature is chosen."""
_TINY = 1e-6


class Noise(NamedTuple):
    """How labels go wrong."""

    transition_KK: Array
    """The chance that a row of a class (row) bears a label (column)."""
    temperature: float
    """Below 1 where the model wavers more than texts do."""


def fit_noise(codes_N: Codes, scores_NK: Probabilities, folds_N: Codes) -> Noise:
    """Return how labels go wrong, by out-of-fold probabilities.

    Args:
        codes_N: the given classes; each of the K has a row.
        scores_NK: what models that did not see a row say of it.
        folds_N: each row's fold; copies lie in one.
    """
    number, temperature = _best_start(codes_N, scores_NK, folds_N)
    start_KK = transition_KK = _starts(codes_N, scores_NK)[number]
    text_NK = _sharpened(scores_NK, temperature)
    for _ in range(_ROUNDS):
        counts_KK = _PRIOR_ROWS * start_KK
        for label, _, classes_RK in _by_label(codes_N, text_NK, transition_KK):
            counts_KK[:, label] += classes_RK.sum(axis=0)
        transition_KK = _mostly_right(counts_KK)
    return Noise(transition_KK, temperature)


def posterior(codes_N: Codes, scores_NK: Probabilities, noise: Noise) -> Probabilities:
    """Return the probability of each class for each row, its label heeded, (N, K).

    >>> noise = Noise(np.array([[0.8, 0.2], [0.2, 0.8]]), 1.0)
    >>> posterior(np.array([0, 1]), np.array([[0.5, 0.5], [0.5, 0.5]], np.float32), noise).round(2).tolist()
    [[0.800000011920929, 0.20000000298023224], [0.20000000298023224, 0.800000011920929]]
    """
    found_NK = np.zeros(scores_NK.shape, np.float32)
    for _, rows, classes_RK in _by_label(codes_N, _sharpened(scores_NK, noise.temperature), noise.transition_KK):
        found_NK[rows] = classes_RK
    return found_NK


def _by_label(codes_N: Codes, text_NK: Probabilities, transition_KK: Array) -> Iterator[tuple[int, Codes, Array]]:
    """Yield each label with the rows that bear it, and the probability of each class for these."""
    order = np.argsort(codes_N, kind="stable")
    for label, rows in enumerate(np.split(order, np.searchsorted(codes_N[order], np.arange(1, len(transition_KK))))):
        weights_RK = text_NK[rows] * transition_KK[:, label]
        yield label, rows, weights_RK / np.maximum(weights_RK.sum(axis=1, keepdims=True), _TINY**3)


def _best_start(codes_N: Codes, scores_NK: Probabilities, folds_N: Codes) -> tuple[int, float]:
    """Return which start, and which temperature, explain the labels of a fold best where the others were counted.

    Counts explain the rows that they were counted from too well: with many classes and few rows of each, most pairs of
    classes were never counted, and a label that falls on one of these would be right for certain.
    """
    is_tried_N = np.zeros(len(codes_N), np.bool_)
    is_tried_N[np.random.default_rng(0).permutation(len(codes_N))[:_MAX_ROWS]] = True
    totals_ST = np.zeros((_NUM_STARTS, len(_TEMPERATURES)))
    for fold in np.unique(folds_N):
        is_rest_N = folds_N != fold
        if not is_rest_N.any():  # one group alone
            is_rest_N[:] = True
        held = np.flatnonzero((folds_N == fold) & is_tried_N)
        starts = _starts(codes_N[is_rest_N], scores_NK[is_rest_N])
        for place, temperature in enumerate(_TEMPERATURES):
            text_RK = _sharpened(scores_NK[held], temperature)
            totals_ST[:, place] += [_log_likelihood(text_RK, codes_N[held], start_KK) for start_KK in starts]
    number = int(totals_ST.max(axis=1).argmax())
    return number, _peak(totals_ST[number])


def _peak(totals_T: Array) -> float:
    """Return the temperature at the top of the parabola through the best one and its neighbours.

    Likelihoods differ little from one temperature to the next, and the best of a few would be chance; what is found
    depends on it.

    >>> round(_peak(np.array([-9.0, -9, -9, -5, -3, -3, -9, -9])), 2)
    0.84
    """
    place = int(totals_T.argmax())
    if not 0 < place < len(_TEMPERATURES) - 1:
        return _TEMPERATURES[place]
    near = slice(place - 1, place + 2)
    squared, linear, _ = np.polyfit(np.log(_TEMPERATURES[near]), totals_T[near], 2)
    return float(np.exp(-linear / (2 * squared))) if squared < 0 else _TEMPERATURES[place]


def _starts(codes_N: Codes, scores_NK: Probabilities) -> list[Array]:
    """Return what the transition may begin as: counted by confident learning, spread over all labels, half of each."""
    from cleanlab.count import compute_confident_joint

    joint_KK = np.asarray(compute_confident_joint(codes_N, scores_NK), np.float64).T
    counted_KK = _mostly_right(joint_KK + _TINY * np.eye(len(joint_KK)))
    shares_K = np.bincount(codes_N, minlength=len(joint_KK)) / len(codes_N)
    right = float(np.trace(joint_KK) / max(joint_KK.sum(), 1))
    spread_KK = _mostly_right(right * np.eye(len(joint_KK)) + (1 - right) * shares_K)
    return [counted_KK, spread_KK, (counted_KK + spread_KK) / 2]


def _mostly_right(counts_KK: Array) -> Array:
    """Return rows that add up to 1, with at least `_LEAST_RIGHT` on the diagonal."""
    shares_KK = counts_KK / counts_KK.sum(axis=1, keepdims=True)
    right_K = np.maximum(np.diag(shares_KK), _LEAST_RIGHT)
    wrong_KK = shares_KK * (1 - np.eye(len(shares_KK)))
    total_K = wrong_KK.sum(axis=1)
    scale_K = np.where(total_K > 0, (1 - right_K) / np.where(total_K > 0, total_K, 1), 0)
    fixed_KK = wrong_KK * scale_K[:, None]
    return np.asarray(fixed_KK + np.diag(1 - fixed_KK.sum(axis=1)))


def _sharpened(scores_NK: Probabilities, temperature: float) -> Probabilities:
    log_NK = np.log(np.maximum(scores_NK, _TINY)) / temperature
    powers_NK = np.exp(log_NK - log_NK.max(axis=1, keepdims=True))
    return np.asarray(powers_NK / powers_NK.sum(axis=1, keepdims=True), np.float32)


def _log_likelihood(text_NK: Probabilities, codes_N: Codes, transition_KK: Array) -> float:
    """Return the log probability of the given labels."""
    return float(np.log(np.einsum("nk,nk->n", text_NK, transition_KK.T[codes_N]) + _TINY).sum())
