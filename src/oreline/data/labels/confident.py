"""Which labels are probably wrong: confident learning on out-of-fold probabilities of a linear model.

Northcutt, Jiang & Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels"; the pruning is
cleanlab's. What `judged` finds goes on from there: see `posterior`.

Shape suffixes: N rows, K classes.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.labels.posterior import fit_noise, posterior
from oreline.data.split.places import places
from oreline.errors import DataError

Codes = NDArray[np.int64]
Probabilities = NDArray[np.float32]
FilterBy = Literal["posterior", "prune_by_noise_rate", "prune_by_class", "both", "confident_learning"]
RankBy = Literal["self_confidence", "normalized_margin"]

STRENGTHS = (0.1, 1.0, 10.0)
"""Inverse penalties (scikit-learn's C) that are tried; the best one on the first fold is used for all."""
_MAX_ITERATIONS = 100
_TOLERANCE = 1e-5
"""Of the mean gradient, whose cells are small where there are many classes: 1e-3 ended at once with 150 of them."""
_PASSES = 2
"""Judges of judges: a third changed nothing on planted errors."""
_LEAST_WEIGHT = 0.01
_LIKELY = 0.5
_LEAST_BELIEF = 0.05
"""A row whose label is not believed at all still counts a little: the judges may be wrong."""
_LEAST_ROWS = 10
"""Of a class: with fewer there is little to learn it from, or to measure it on."""
_MAX_CELLS = 500_000_000
"""Rows times classes; cleanlab's own sums need a few bytes for each."""


class Found(NamedTuple):
    """Rows whose label is probably wrong, the worst first."""

    rows: Codes
    suggested: Codes
    """The class that the model gives each of them."""
    confidence: NDArray[np.float64]
    """Probability of that class."""
    quality: NDArray[np.float64]
    """Of the given label, 0 to 1: what they are ranked by."""

    def where(self, chosen_F: NDArray[np.bool_]) -> Found:
        """Return some of them."""
        return Found(self.rows[chosen_F], self.suggested[chosen_F], self.confidence[chosen_F], self.quality[chosen_F])


def folds_of(keys: pl.DataFrame, num_folds: int, seed: int) -> Codes:
    """Return each row's fold, (N,): classes spread evenly, rows of equal text or group together.

    Args:
        keys: `hash_high` of the folded text, `label`, and `group` where there is one.
        num_folds: number of folds.
        seed: of the draw.
    """
    shares = {str(fold): 1 / num_folds for fold in range(num_folds)}
    return places(
        keys.select(name for name in ("hash_high", "label", "group") if name in keys.columns), shares, seed=seed
    )


def judged(features: Any, codes_N: Codes, folds_N: Codes, num_classes: int) -> Probabilities:
    """Return the probability of each class for each row, its label heeded, (N, K): see `posterior`.

    Judges are fitted twice, the second time with each row counted as far as the first ones believe its label.
    """
    weights_N = None
    for _ in range(_PASSES):
        scores_NK = out_of_fold(features, codes_N, folds_N, num_classes, weights_N=weights_N)
        found_NK = posterior(codes_N, scores_NK, fit_noise(codes_N, scores_NK, folds_N))
        weights_N = np.maximum(found_NK[np.arange(len(codes_N)), codes_N], _LEAST_WEIGHT)
    return found_NK


def out_of_fold(
    features: Any,
    codes_N: Codes,
    folds_N: Codes,
    num_classes: int,
    strengths: Sequence[float] = STRENGTHS,
    *,
    weights_N: NDArray[np.floating] | None = None,
) -> Probabilities:
    """Return what models that did not see a row say of it: logistic regression on the other folds, (N, K).

    Args:
        features: unit rows, dense or sparse.
        codes_N: the given classes.
        folds_N: each row's fold.
        num_classes: K; a class that no row of the other folds has gets the probability 0.
        strengths: inverse penalties to choose from.
        weights_N: how much each row counts; all the same when not given.
    """
    refuse_too_many(len(codes_N), num_classes)
    scores_NK = np.zeros((len(codes_N), num_classes), np.float32)
    folds = np.unique(folds_N)
    best = strengths[0]
    for number, fold in enumerate(folds):
        held, rest = np.flatnonzero(folds_N == fold), np.flatnonzero(folds_N != fold)
        tried = strengths if number == 0 else [best]
        answers = [_answers(features, codes_N, (rest, held), num_classes, strength, weights_N) for strength in tried]
        held_weights = None if weights_N is None else weights_N[held]
        losses = [_log_loss(found, codes_N[held], held_weights) for found in answers]
        chosen = int(np.argmin(losses))
        best = tried[chosen]
        scores_NK[held] = answers[chosen]
    return scores_NK


def fitted(features: Any, codes_N: Codes, strength: float, weights_N: NDArray[np.floating] | None = None) -> Any:
    """Return a logistic regression (scikit-learn's) of rows with their classes; two classes at least."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        # The last digits change nothing about which label is the likelier one.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%")
        model = LogisticRegression(C=strength, max_iter=_MAX_ITERATIONS, tol=_TOLERANCE)
        return model.fit(features, codes_N, sample_weight=weights_N)


def refuse_too_many(num_rows: int, num_classes: int) -> None:
    """Raise `DataError` where a probability for each row and class does not fit into memory."""
    if num_rows * num_classes > _MAX_CELLS:
        raise DataError(
            f"{num_rows:,} rows with {num_classes:,} classes are too many to judge labels at once",
            allowed=f"rows times classes up to {_MAX_CELLS:,}",
            remedy="refine the data in parts, or a sample of them",
        )


def label_quality(codes_N: Codes, scores_NK: Probabilities, rank_by: RankBy) -> NDArray[np.float64]:
    """Return how well each given label is supported, 0 to 1, (N,).

    `self_confidence` is its probability p; `normalized_margin` is (p - the largest other probability + 1) / 2.

    >>> scores = np.array([[0.7, 0.2, 0.1]], np.float32)
    >>> float(label_quality(np.array([1]), scores, "self_confidence")[0].round(3))
    0.2
    >>> float(label_quality(np.array([1]), scores, "normalized_margin")[0].round(3))
    0.25
    """
    rows_N = np.arange(len(codes_N))
    own_N = scores_NK[rows_N, codes_N].astype(np.float64)
    if rank_by == "self_confidence":
        return own_N
    others_NK = scores_NK.copy()
    others_NK[rows_N, codes_N] = -np.inf
    return np.asarray((own_N - others_NK.max(axis=1) + 1) / 2)


def class_weights(codes_N: Codes, belief_N: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return what each row counts by how far its label is believed, each class as much together as it has rows.

    What the judges say of a text favours common classes; weights that were not scaled would take the rare ones away.

    >>> class_weights(np.array([0, 0, 1]), np.array([0.9, 0.3, 0.2])).round(3).tolist()
    [1.5, 0.5, 1.0]

    Args:
        codes_N: the given classes.
        belief_N: how probable each given label is.
    """
    sure_N = np.maximum(belief_N.astype(np.float64), _LEAST_BELIEF)
    return np.asarray(sure_N * (np.bincount(codes_N) / np.maximum(np.bincount(codes_N, sure_N), 1e-12))[codes_N])


def find_errors(codes_N: Codes, scores_NK: Probabilities, filter_by: FilterBy, rank_by: RankBy) -> Found:
    """Return the rows whose given label is probably wrong, the least supported first.

    Args:
        codes_N: the given classes; each of the K has a row.
        scores_NK: out-of-fold probabilities; with `posterior` what `judged` says.
        filter_by: `posterior`: every label that is less probable than not; else cleanlab's rule, which cells of the
            confident joint are pruned.
        rank_by: what they are ordered by, see `label_quality`.
    """
    if filter_by == "posterior":
        is_wrong_N = scores_NK[np.arange(len(codes_N)), codes_N] < _LIKELY
    else:
        from cleanlab.filter import find_label_issues

        is_wrong_N = find_label_issues(codes_N, scores_NK, filter_by=filter_by, n_jobs=1)
    suggested_N = scores_NK.argmax(axis=1)
    rows = np.flatnonzero(is_wrong_N & (suggested_N != codes_N))
    quality_N = label_quality(codes_N, scores_NK, rank_by)
    rows = rows[np.argsort(quality_N[rows], kind="stable")]
    confidence = scores_NK[rows, suggested_N[rows]].astype(np.float64)
    return Found(rows, suggested_N[rows].astype(np.int64), confidence, quality_N[rows])


def lacking(sizes_K: Codes, leaving_K: Codes, share: float) -> Codes:
    """Return how many of the rows that would leave each class have to stay, (K,).

    >>> lacking(np.array([4, 40]), np.array([2, 35]), 0.5).tolist()
    [2, 15]

    Args:
        sizes_K: rows of each class.
        leaving_K: rows that would be dropped or get another label.
        share: of a class's rows that stay at least, and ten of them; 0 spares none.
    """
    if not share:
        return np.zeros(len(sizes_K), np.int64)
    floor_K = np.minimum(sizes_K, np.maximum(np.ceil(sizes_K * share).astype(np.int64), _LEAST_ROWS))
    return np.asarray(np.maximum(floor_K - (sizes_K - leaving_K), 0))


def staying(given_F: Codes, quality_F: NDArray[np.float64], lacks_K: Codes) -> NDArray[np.bool_]:
    """Return which of the rows that would leave their class stay, (F,): as many as it lacks, the best supported ones.

    >>> staying(np.array([0, 1, 0, 0]), np.array([0.3, 0.9, 0.1, 0.2]), np.array([2, 0])).tolist()
    [True, False, False, True]

    Args:
        given_F: the classes of these rows.
        quality_F: how well each label is supported; of equal ones the last stay.
        lacks_K: how many rows of each class have to stay.
    """
    order_F = np.lexsort((quality_F, given_F))
    ends_K = np.cumsum(np.bincount(given_F, minlength=len(lacks_K)))
    stays_F = np.zeros(len(given_F), np.bool_)
    stays_F[order_F] = np.arange(len(order_F)) >= (ends_K - lacks_K)[given_F[order_F]]
    return stays_F


def _answers(
    features: Any,
    codes_N: Codes,
    parts: tuple[Codes, Codes],
    num_classes: int,
    strength: float,
    weights_N: NDArray[np.floating] | None,
) -> Probabilities:
    rest, held = parts
    answers = np.zeros((len(held), num_classes), np.float32)
    seen = np.unique(codes_N[rest])
    if len(seen) == 1:
        answers[:, seen[0]] = 1
    elif len(seen) and len(held):
        weights = None if weights_N is None else weights_N[rest]
        answers[:, seen] = fitted(features[rest], codes_N[rest], strength, weights).predict_proba(features[held])
    return answers


def _log_loss(scores_NK: Probabilities, codes_N: Codes, weights_N: NDArray[np.floating] | None) -> float:
    own_N = scores_NK[np.arange(len(codes_N)), codes_N]
    return float(np.average(-np.log(np.clip(own_N, 1e-6, 1)), weights=weights_N)) if len(codes_N) else 0.0
