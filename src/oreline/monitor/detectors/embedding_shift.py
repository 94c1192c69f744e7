"""Do live rows lie elsewhere than reference rows in the model's embedding space?

A classifier two-sample test (Lopez-Paz & Oquab 2017): a classifier learns to tell live rows from reference rows. On
rows that it did not learn from, the mean difference of its scores is the statistic, the area under its ROC curve is
the effect, and the rows that it calls live most surely show the shift best. (The area as a statistic misses a few rows
that lie far away: however far, they cannot raise it by more than their share.) The classifier is ridge regression on
the leading principal components and on random Fourier features of them (Rahimi & Recht 2007), so that a change of
spread or shape shows as well as a change of place.

The p-value comes from permuted labels **with the classifier fitted anew** for each permutation; without refitting
the null ignores the variance of the fit, and alarms too often. Refitting costs nothing here: ridge predictions are
linear in the labels, so one factorisation serves all permutations. The principal components are fitted on both
samples together: fitted on the reference alone they would suit it better than any fresh rows of the same kind, and a
test that is sensitive enough would call that a shift.

Shape suffixes: N rows (reference, then live), D embedding width, F features, P permutations (the first is the
observed labelling).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from oreline.errors import DataError
from oreline.monitor.two_sample import auc_estimate, permutation_p_value
from oreline.types import Drift, Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUM_FOLDS = 5
_NUM_FOURIER = 32
"""Enough to see a change of spread; more of them hide small changes of place behind their noise (docs/LOG.md)."""
_RIDGE = 10.0
"""Penalty, as a share of the number of training rows: features have unit variance."""
_BINS = 20


class Detector:
    """Test whether live embeddings differ from the reference's (classifier two-sample test).

    Args:
        alpha: chance of a false alarm of this test alone.
        min_auc: the smallest area under the ROC curve that counts as drift; 0.5 is no difference, 1.0 is complete.
        num_permutations: labellings that make the null distribution.
        num_components: principal components of the embeddings.
        max_rows: rows of each side that are used, drawn at random.
    """

    def __init__(
        self,
        *,
        alpha: float = 0.05,
        min_auc: float = 0.55,
        num_permutations: int = 499,
        num_components: int = 32,
        max_rows: int = 1000,
    ) -> None:
        self.alpha, self.min_auc = alpha, min_auc
        self.num_permutations, self.num_components, self.max_rows = num_permutations, num_components, max_rows

    def detect(self, reference: Sample, live: Sample, *, seed: int = 0) -> Drift:
        """Compare the embeddings of two samples. Raises `DataError` when their widths differ or there are none."""
        _check_widths(reference.embedding_ND, live.embedding_ND)
        source = np.random.default_rng(seed)
        rows_reference = _drawn(len(reference.ids), self.max_rows, source)
        rows_live = _drawn(len(live.ids), self.max_rows, source)
        pooled_ND = np.concatenate([reference.embedding_ND[rows_reference], live.embedding_ND[rows_live]])
        is_live_N = np.arange(len(pooled_ND)) >= len(rows_reference)
        features_NF = _features(pooled_ND.astype(np.float64), self.num_components, source)
        fold_N = _stratified_folds(is_live_N, source)
        is_live_NP = _labellings(is_live_N, fold_N, self.num_permutations, source)
        scores_NP = _out_of_fold_scores(features_NF, is_live_NP, fold_N)
        gap_P = _gap(scores_NP, is_live_NP)
        p_value = permutation_p_value(float(gap_P[0]), gap_P[1:])
        scores_N = scores_NP[:, 0]
        effect = auc_estimate(scores_N[~is_live_N], scores_N[is_live_N])
        return Drift(
            detector="embedding_shift",
            drifted=p_value <= self.alpha and effect.value >= self.min_auc,
            p_value=p_value,
            effect=effect,
            effect_name="auc",
            row_scores={live.ids[row]: float(score) for row, score in zip(rows_live, scores_N[is_live_N])},
            details={
                "bound": self.min_auc,
                "rows_compared": [len(rows_reference), len(rows_live)],
                "histogram": _histogram(scores_N, is_live_N),
            },
        )


def _check_widths(reference_ND: NDArray[np.float32], live_ND: NDArray[np.float32]) -> None:
    widths = reference_ND.shape[1], live_ND.shape[1]
    if widths[0] != widths[1] or not widths[0]:
        raise DataError(
            f"embeddings cannot be compared: {widths[0]} wide in the reference, {widths[1]} in the log",
            allowed="rows that the same model answered",
            remedy="monitor the model that wrote the log, or use --detector label_shift",
        )


def _drawn(num_rows: int, most: int, source: np.random.Generator) -> NDArray[np.int64]:
    if num_rows <= most:
        return np.arange(num_rows)
    return np.sort(source.choice(num_rows, most, replace=False))


def _features(pooled_ND: NDArray[np.float64], num_components: int, source: np.random.Generator) -> NDArray[np.float64]:
    """Return principal components and random Fourier features of them, each with mean 0 and variance 1."""
    centred_ND = pooled_ND - pooled_ND.mean(axis=0)
    _, spread, axes = np.linalg.svd(centred_ND, full_matrices=False)
    kept = min(num_components, int((spread > 1e-9 * max(float(spread[0]), 1e-30)).sum()))
    components = centred_ND @ axes[:kept].T
    # Squared distances between rows average twice the total variance: the usual width of a Gaussian kernel.
    width = np.sqrt(2 * components.var(axis=0).sum()) or 1.0
    angles = components @ source.normal(size=(kept, _NUM_FOURIER)) / width
    fourier = np.cos(angles + source.uniform(0, 2 * np.pi, _NUM_FOURIER))
    features_NF = np.concatenate([components, fourier], axis=1)
    deviation_F = features_NF.std(axis=0)
    standard: NDArray[np.float64] = (features_NF - features_NF.mean(axis=0)) / np.where(deviation_F > 0, deviation_F, 1)
    return standard


def _stratified_folds(is_live_N: NDArray[np.bool_], source: np.random.Generator) -> NDArray[np.int64]:
    fold_N = np.empty(len(is_live_N), dtype=np.int64)
    for side in (False, True):
        rows = source.permutation(np.flatnonzero(is_live_N == side))
        fold_N[rows] = np.arange(len(rows)) % _NUM_FOLDS
    return fold_N


def _labellings(
    is_live_N: NDArray[np.bool_], fold_N: NDArray[np.int64], num_permutations: int, source: np.random.Generator
) -> NDArray[np.bool_]:
    """Return the observed labels and permutations of them within each fold, whose balance thus stays as it is."""
    is_live_NP = np.repeat(is_live_N[:, None], 1 + num_permutations, axis=1)
    for fold in range(_NUM_FOLDS):
        rows = np.flatnonzero(fold_N == fold)
        is_live_NP[rows, 1:] = source.permuted(is_live_NP[rows, 1:], axis=0)
    return is_live_NP


def _out_of_fold_scores(
    features_NF: NDArray[np.float64], is_live_NP: NDArray[np.bool_], fold_N: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Fit ridge regression to every labelling on four folds and score the fifth."""
    scores_NP = np.empty(is_live_NP.shape)
    targets_NP = is_live_NP.astype(np.float64)
    for fold in range(_NUM_FOLDS):
        held, rest = fold_N == fold, fold_N != fold
        train_F = features_NF[rest]
        gram_FF = train_F.T @ train_F + _RIDGE * len(train_F) * np.eye(train_F.shape[1])
        targets = targets_NP[rest] - targets_NP[rest].mean(axis=0)
        scores_NP[held] = features_NF[held] @ np.linalg.solve(gram_FF, train_F.T @ targets)
    return scores_NP


def _gap(scores_NP: NDArray[np.float64], is_live_NP: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how much higher live rows score than reference rows, on average, for every labelling."""
    num_live_P = is_live_NP.sum(axis=0)
    live_P = (scores_NP * is_live_NP).sum(axis=0) / num_live_P
    gap_P: NDArray[np.float64] = live_P - (scores_NP * ~is_live_NP).sum(axis=0) / (len(scores_NP) - num_live_P)
    return gap_P


def _histogram(scores_N: NDArray[np.float64], is_live_N: NDArray[np.bool_]) -> dict[str, list[float]]:
    edges = np.histogram_bin_edges(scores_N, bins=_BINS)
    return {
        "edges": edges.tolist(),
        "reference": np.histogram(scores_N[~is_live_N], edges)[0].tolist(),
        "live": np.histogram(scores_N[is_live_N], edges)[0].tolist(),
    }
