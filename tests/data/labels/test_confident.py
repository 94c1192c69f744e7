"""Confident learning on planted errors; folds that hold what belongs together."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from oreline.data.labels.confident import find_errors, folds_of, label_quality, out_of_fold, refuse_too_many
from oreline.data.labels.features import unit
from oreline.errors import DataError


def clouds(num: int = 240, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three clouds of points, their classes, and classes of which a tenth is wrong."""
    random = np.random.default_rng(seed)
    truth = np.arange(num) % 3
    vectors = unit(np.eye(3)[truth] + 0.15 * random.normal(size=(num, 3)))
    given = truth.copy()
    wrong = random.permutation(num)[: num // 10]
    given[wrong] = (given[wrong] + 1) % 3
    return vectors, truth, given


def test_planted_errors_are_found_and_their_labels_suggested() -> None:
    vectors, truth, given = clouds()
    folds = np.arange(len(given)) % 5
    scores = out_of_fold(vectors, given, folds, 3)
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    found = find_errors(given, scores, "prune_by_noise_rate", "self_confidence")
    wrong = set(np.flatnonzero(given != truth))
    assert len(wrong & set(found.rows)) >= 0.75 * len(wrong)
    assert len(wrong & set(found.rows)) >= 0.9 * len(found.rows)
    assert (found.suggested == truth[found.rows]).mean() > 0.9
    assert (np.diff(found.quality) >= 0).all(), "the least supported first"
    both = find_errors(given, scores, "both", "normalized_margin")
    assert set(both.rows) <= set(found.rows)


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    vectors, truth, _ = clouds()
    scores = out_of_fold(vectors, truth, np.arange(len(truth)) % 4, 3)
    assert len(find_errors(truth, scores, "prune_by_noise_rate", "self_confidence").rows) <= 2


def test_a_row_is_judged_by_models_that_did_not_see_it() -> None:
    """A class of one fold alone is unknown to the models that judge it."""
    vectors, given = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 2])
    scores = out_of_fold(vectors, given, np.array([0, 0, 1, 1]), 3)
    assert scores[3, 2] == 0
    assert scores[1, 1] == 0
    only = out_of_fold(vectors, np.zeros(4, np.int64), np.array([0, 0, 1, 1]), 2)
    assert only.tolist() == [[1, 0]] * 4


def test_equal_texts_and_groups_lie_in_one_fold() -> None:
    keys = pl.DataFrame(
        {
            "hash_high": pl.Series([n // 2 for n in range(60)], dtype=pl.UInt64),
            "label": [str(n % 2) for n in range(60)],
            "group": [f"g{n // 6}" for n in range(60)],
        }
    )
    folds = folds_of(keys, 5, seed=0)
    assert set(folds) == set(range(5))
    for name in ("hash_high", "group"):
        together = keys.select(name).with_columns(fold=pl.Series(folds)).group_by(name).agg(pl.col("fold").n_unique())
        assert together["fold"].max() == 1
    assert np.array_equal(folds, folds_of(keys, 5, seed=0))


def test_what_does_not_fit_into_memory_is_refused() -> None:
    with pytest.raises(DataError, match="too many to judge"):
        refuse_too_many(1_000_000, 5000)


def test_normalised_margin_of_the_best_label_is_above_a_half() -> None:
    scores = np.array([[0.6, 0.4]], np.float32)
    assert label_quality(np.array([0]), scores, "normalized_margin")[0] == pytest.approx(0.6)
