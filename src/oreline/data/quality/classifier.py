"""A linear classifier of good and bad texts over hashed character n-grams, the same for every language.

Legend: N texts, F features.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oreline.data.quality.characters import mixed
from oreline.data.quality.ngram_model import units_of
from oreline.errors import DataError, MissingExtraError

NGRAMS = (1, 2, 3, 4)
FEATURE_BITS = 18
_FACTOR = 0x2545F4914F6CDD1D
_FOLDS = 5
_FEWEST = 10
"""Rows of each kind that a fold can be drawn from with any sense."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained classifier: the probability that a text is good is 1 / (1 + exp(-(x w + b)))."""

    weights_F: NDArray[np.float32]
    bias: float
    threshold: float
    """Below this probability a text is taken for bad."""
    figures: Mapping[str, float]
    """Cross-validated: `auc`, `precision`, `recall`, `accuracy` at the threshold; rows `good` and `bad`."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        packed = zlib.compress(self.weights_F.astype("<f4").tobytes())
        values = {"bias": self.bias, "threshold": self.threshold, "figures": dict(self.figures)}
        return {"weights": base64.b64encode(packed).decode(), **values}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Fitted:
        """Rebuild it. Raises `DataError` for weights of another size."""
        size = 4 << FEATURE_BITS
        raw = zlib.decompressobj().decompress(base64.b64decode(document["weights"]), size + 1)
        if len(raw) != size:
            raise DataError(f"the classifier has {len(raw) // 4:,} weights", allowed=f"{1 << FEATURE_BITS:,}")
        weights = np.frombuffer(raw, "<f4").astype(np.float32)
        return cls(weights, float(document["bias"]), float(document["threshold"]), dict(document["figures"]))

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the probability that each text is good, (N,)."""
        rows, cells, values = features(texts)
        sums = np.bincount(rows, weights=values * self.weights_F[cells], minlength=len(texts))
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(sums + self.bias, -30, 30))), np.float64)


def features(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the rows, features and values of a sparse matrix: 1 + ln of the counts of n-grams, rows of length 1."""
    rows, cells, values = [], [], []
    for start, units in units_of(texts, NGRAMS[-1], words=False):
        gram_U, keys = units.hash_U, []
        doc = units.doc.astype(np.uint64) << np.uint64(FEATURE_BITS)
        before = np.zeros(len(units.hash_U), np.uint64)
        for n in NGRAMS:
            before = np.concatenate([before[:1], gram_U[:-1]])
            gram_U = units.hash_U if n == 1 else mixed(before * _FACTOR + units.hash_U + np.uint64(n))
            keys.append((gram_U[units.real] >> np.uint64(64 - FEATURE_BITS)) | doc)
        pairs, counts = np.unique(np.concatenate(keys), return_counts=True)
        own = (pairs >> np.uint64(FEATURE_BITS)).astype(np.int64)
        value = 1.0 + np.log(counts)
        norms = np.sqrt(np.bincount(own, weights=value * value, minlength=units.num_texts))
        rows.append(own + start)
        cells.append((pairs & np.uint64((1 << FEATURE_BITS) - 1)).astype(np.int64))
        values.append(value / norms[own])
    empty = np.zeros(0, np.int64)
    return np.concatenate([empty, *rows]), np.concatenate([empty, *cells]), np.concatenate([np.zeros(0), *values])


def fit(good: Sequence[str], bad: Sequence[str], *, precision: float, strength: float = 1.0) -> Fitted:
    """Train on good and bad texts; the threshold keeps most texts of those whose cross-validated precision is enough.

    Args:
        good: texts to keep, each once.
        bad: texts to drop, each once.
        precision: wanted share of good ones among kept texts, 0 to 1, in the mixture of these files.
        strength: weight decay, as in ridge regression (the inverse of scikit-learn's `C`, over 10).

    Raises:
        DataError: fewer than 10 texts of a kind.
    """
    for name, texts in (("good", good), ("bad", bad)):
        if len(texts) < _FEWEST:
            raise DataError(f"only {len(texts)} {name} texts to learn from", allowed=f"{_FEWEST} or more of each kind")
    try:
        from scipy.sparse import csr_matrix
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedKFold
    except ModuleNotFoundError as error:
        raise MissingExtraError("scikit-learn", "train", "training a quality classifier") from error
    texts = [*good, *bad]
    rows, cells, values = features(texts)
    matrix = csr_matrix((values, (rows, cells)), shape=(len(texts), 1 << FEATURE_BITS))
    truth = np.repeat([1, 0], [len(good), len(bad)])

    def trained(chosen: NDArray[np.int64]) -> Any:
        model = LogisticRegression(C=10.0 / strength, solver="liblinear", class_weight="balanced", random_state=0)
        return model.fit(matrix[chosen], truth[chosen])

    held_out = np.zeros(len(texts))
    for train, test in StratifiedKFold(_FOLDS, shuffle=True, random_state=0).split(matrix, truth):
        held_out[test] = trained(train).predict_proba(matrix[test])[:, 1]
    threshold = choose_threshold(held_out, truth == 1, precision)
    model = trained(np.arange(len(texts)))
    figures = {"good": len(good), "bad": len(bad), **figures_at(held_out, truth == 1, threshold)}
    return Fitted(model.coef_[0].astype(np.float32), float(model.intercept_[0]), threshold, figures)


def choose_threshold(scores_N: NDArray[np.float64], is_good_N: NDArray[np.bool_], precision: float) -> float:
    """Return the score above which most good texts are kept at the wanted share of them; the purest where none is.

    >>> choose_threshold(np.array([0.25, 0.5, 0.75, 1.0]), np.array([False, True, False, True]), 0.6)
    0.375
    """
    order = np.argsort(-scores_N, kind="stable")
    share = np.cumsum(is_good_N[order]) / np.arange(1, len(order) + 1)
    # Of equal scores all are kept or none, so only the last place of each counts.
    is_last = np.append(np.diff(scores_N[order]) != 0, True)
    enough = np.flatnonzero(is_last & (share >= precision))
    places = np.flatnonzero(is_last)
    # Where no further good text is won, none that is bad is let in either.
    num_good = np.cumsum(is_good_N[order])
    chosen = enough[np.argmax(num_good[enough])] if len(enough) else places[np.argmax(share[places])]
    # Half-way to the next score: the classifier that is kept saw more rows than those that were measured.
    below = scores_N[order[chosen + 1 : chosen + 2]]
    return float(np.mean([scores_N[order[chosen]], *below]))


def figures_at(scores_N: NDArray[np.float64], is_good_N: NDArray[np.bool_], threshold: float) -> dict[str, float]:
    """Return precision, recall and accuracy at a threshold, and the area under the ROC curve (by ranks).

    >>> figures_at(np.array([0.1, 0.8, 0.7, 0.9]), np.array([False, False, True, True]), 0.7)["auc"]
    0.75
    """
    kept = scores_N >= threshold
    hits = int((kept & is_good_N).sum())
    _, inverse, counts = np.unique(scores_N, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    num_good, num_bad = int(is_good_N.sum()), int((~is_good_N).sum())
    auc = (ranks[is_good_N].sum() - num_good * (num_good + 1) / 2) / max(num_good * num_bad, 1)
    return {
        "auc": float(auc),
        "precision": hits / max(int(kept.sum()), 1),
        "recall": hits / max(num_good, 1),
        "accuracy": float((kept == is_good_N).mean()),
    }
