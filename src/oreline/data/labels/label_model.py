"""From the votes of rules to one label a row: by majority, or by how often each rule is right.

The label model is Dawid & Skene's (1979, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM
Algorithm"), with abstaining as one more thing that a rule may say, as in Ratner et al. 2019 (MeTaL): a rule that only
ever votes for one class tells something by when it votes at all.

Shape suffixes: N rows, P distinct patterns of votes, J rules, K classes, V what a rule may say (K classes, or nothing).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oreline.data.labels.rules import ABSTAIN, Votes

Floats = NDArray[np.float64]
_MAX_ITERATIONS = 200
_TOLERANCE = 1e-6
_SMOOTHING = 10.0
"""Rows that are added to what was counted of each rule and class, spread as the rule votes overall."""
_TRUST = 1.0
"""How much more of them say that a rule is right than chance would: what tells a class from its mirror image."""


class LabelModel(NamedTuple):
    """What each rule says of rows of each class."""

    prior_K: Floats
    says_JKV: Floats
    """P(rule j says v | class k)."""

    def probabilities(self, votes_NJ: Votes) -> Floats:
        """Return the probability of each class, (N, K), from the votes on each row."""
        return _posterior(votes_NJ, self)

    def accuracies(self) -> Floats:
        """Return how often each rule's votes are right, (J,), by this model."""
        num_classes = len(self.prior_K)
        joint_JKV = self.prior_K[None, :, None] * self.says_JKV[:, :, :num_classes]
        right_J = np.trace(joint_JKV, axis1=1, axis2=2)
        return np.asarray(right_J / np.maximum(joint_JKV.sum(axis=(1, 2)), 1e-12))

    def to_json(self) -> dict[str, Any]:
        """Return the model as lists."""
        return {"prior": self.prior_K.tolist(), "says": self.says_JKV.round(6).tolist()}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> LabelModel:
        """Build a model from what `to_json` returned."""
        return cls(np.asarray(told["prior"], np.float64), np.asarray(told["says"], np.float64))


def majority(votes_NJ: Votes, num_classes: int) -> Floats:
    """Return the share of each class among the votes on each row, (N, K); zeros where no rule votes.

    >>> majority(np.array([[0, 0, 1], [-1, -1, -1]], np.int16), 2).round(2).tolist()
    [[0.67, 0.33], [0.0, 0.0]]
    """
    counts_NK = (votes_NJ[:, :, None] == np.arange(num_classes)).sum(axis=1).astype(np.float64)
    return np.asarray(counts_NK / np.maximum(counts_NK.sum(axis=1, keepdims=True), 1))


def fit_label_model(votes_PJ: Votes, rows_P: Floats, num_classes: int, balance_K: Floats | None = None) -> LabelModel:
    """Fit by expectation maximisation, from the majority's view on; rows without any vote are left out.

    Args:
        votes_PJ: distinct patterns of votes.
        rows_P: rows with each pattern.
        num_classes: K.
        balance_K: share of each class where it is known; learnt otherwise.

    >>> votes = np.array([[0, 0, 0], [1, 1, 1], [0, 0, 1], [1, 1, 0]], np.int16)
    >>> model = fit_label_model(votes, np.array([400.0, 400.0, 100.0, 100.0]), 2)
    >>> model.accuracies().round(2).tolist()
    [0.99, 0.99, 0.8]
    """
    votes_PJ, rows_P = votes_PJ[(votes_PJ != ABSTAIN).any(axis=1)], rows_P[(votes_PJ != ABSTAIN).any(axis=1)]
    says_PJV = _one_hot(votes_PJ, num_classes)
    spread_JV = np.einsum("p,pjv->jv", rows_P, says_PJV) / max(rows_P.sum(), 1)
    extra_JKV = _SMOOTHING * np.repeat(spread_JV[:, None, :], num_classes, axis=1)
    classes = np.arange(num_classes)
    extra_JKV[:, classes, classes] *= 1 + _TRUST
    belief_PK = majority(votes_PJ, num_classes)
    before = -np.inf
    for _ in range(_MAX_ITERATIONS):
        model = _maximised(says_PJV, rows_P, belief_PK, extra_JKV, balance_K)
        log_PK = _log_joint(votes_PJ, model)
        most_P1 = log_PK.max(axis=1, keepdims=True)
        likelihood = float(rows_P @ (most_P1[:, 0] + np.log(np.exp(log_PK - most_P1).sum(axis=1))))
        belief_PK = _normalised(log_PK)
        if abs(likelihood - before) < _TOLERANCE * max(rows_P.sum(), 1):
            break
        before = likelihood
    return model


def decided(probabilities_NK: Floats, votes_NJ: Votes) -> tuple[NDArray[np.int64], Floats]:
    """Return the class of each row and its probability; -1 where no rule votes or two classes are equally likely.

    >>> votes = np.array([[0, 1], [1, 1], [-1, -1]], np.int16)
    >>> [part.tolist() for part in decided(majority(votes, 2), votes)]
    [[-1, 1, -1], [0.0, 1.0, 0.0]]
    """
    best_N = probabilities_NK.argmax(axis=1)
    most_N1 = probabilities_NK.max(axis=1, keepdims=True)
    is_tied_N = (probabilities_NK >= most_N1 - 1e-9).sum(axis=1) > 1
    is_open_N = is_tied_N | (votes_NJ == ABSTAIN).all(axis=1)
    return np.where(is_open_N, -1, best_N), np.where(is_open_N, 0.0, most_N1[:, 0])


def agreement(votes_PJ: Votes, rows_P: Floats) -> tuple[Floats, Floats, Floats]:
    """Return for each rule the share of rows that it votes on, that others vote on too, and differently, each (J,).

    >>> votes = np.array([[0, 0], [0, 1], [0, -1], [-1, -1]], np.int16)
    >>> [part.tolist() for part in agreement(votes, np.ones(4))]
    [[0.75, 0.5], [0.5, 0.5], [0.25, 0.25]]
    """
    total = max(rows_P.sum(), 1)
    votes = votes_PJ != ABSTAIN
    others = votes[:, :, None] & votes[:, None, :] & ~np.eye(votes.shape[1], dtype=bool)[None]
    differs = others & (votes_PJ[:, :, None] != votes_PJ[:, None, :])
    shares = [rows_P @ votes, rows_P @ others.any(axis=2), rows_P @ differs.any(axis=2)]
    covered, overlaps, conflicts = (np.asarray(share / total) for share in shares)
    return covered, overlaps, conflicts


def _one_hot(votes_PJ: Votes, num_classes: int) -> Floats:
    said = np.where(votes_PJ == ABSTAIN, num_classes, votes_PJ)
    return np.asarray(said[:, :, None] == np.arange(num_classes + 1), np.float64)


def _maximised(
    says_PJV: Floats, rows_P: Floats, belief_PK: Floats, extra_JKV: Floats, balance_K: Floats | None
) -> LabelModel:
    """Return the model that is likeliest where rows are of each class as far as is believed."""
    weight_PK = rows_P[:, None] * belief_PK
    says_JKV = np.einsum("pk,pjv->jkv", weight_PK, says_PJV) + extra_JKV
    says_JKV /= np.maximum(says_JKV.sum(axis=2, keepdims=True), 1e-12)
    rows_K = weight_PK.sum(axis=0) + 1
    return LabelModel(balance_K if balance_K is not None else rows_K / rows_K.sum(), says_JKV)


def _log_joint(votes_NJ: Votes, model: LabelModel) -> Floats:
    num_classes = len(model.prior_K)
    log_JKV = np.log(np.maximum(model.says_JKV, 1e-12))
    said = np.where(votes_NJ == ABSTAIN, num_classes, votes_NJ)
    log_NK = np.repeat(np.log(np.maximum(model.prior_K, 1e-12))[None], len(votes_NJ), axis=0)
    for rule in range(votes_NJ.shape[1]):
        log_NK += log_JKV[rule][:, said[:, rule]].T
    return log_NK


def _normalised(log_NK: Floats) -> Floats:
    likely_NK = np.exp(log_NK - log_NK.max(axis=1, keepdims=True))
    return np.asarray(likely_NK / likely_NK.sum(axis=1, keepdims=True))


def _posterior(votes_NJ: Votes, model: LabelModel) -> Floats:
    return _normalised(_log_joint(votes_NJ, model))
