"""Shift in embedding space: which rows, how much, and the parts against slow versions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from oreline.errors import DataError
from oreline.monitor.detectors import embedding_shift as module
from oreline.monitor.detectors.embedding_shift import Detector
from oreline.types import Sample


def _sample(embedding_ND: np.ndarray, prefix: str = "r") -> Sample:
    ids = [f"{prefix}{number}" for number in range(len(embedding_ND))]
    labels = ["a"] * len(ids)
    return Sample(ids, ids, labels, np.zeros((len(ids), 2), np.float32), embedding_ND.astype(np.float32))


def _normal(rows: int, seed: int, width: int = 24) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, width))


def test_out_of_fold_scores_equal_ridge_fitted_one_by_one() -> None:
    source = np.random.default_rng(0)
    features_NF, is_live_NP = source.normal(size=(60, 7)), source.random((60, 4)) < 0.5
    fold_N = source.integers(0, 5, size=60)
    scores_NP = module._out_of_fold_scores(features_NF, is_live_NP, fold_N)
    for column in range(4):
        for fold in range(5):
            held, rest = fold_N == fold, fold_N != fold
            # scikit-learn's intercept centres features as well, so ours is written as a fit without one.
            ridge = Ridge(alpha=module._RIDGE * rest.sum(), fit_intercept=False)
            targets = is_live_NP[rest, column].astype(float)
            ridge.fit(features_NF[rest], targets - targets.mean())
            np.testing.assert_allclose(scores_NP[held, column], ridge.predict(features_NF[held]), atol=1e-9)


def test_permutations_keep_the_balance_of_every_fold() -> None:
    source = np.random.default_rng(0)
    is_live_N = np.arange(53) >= 30
    fold_N = module._stratified_folds(is_live_N, source)
    is_live_NP = module._labellings(is_live_N, fold_N, 50, source)
    np.testing.assert_array_equal(is_live_NP[:, 0], is_live_N)
    for fold in range(5):
        counts = is_live_NP[fold_N == fold].sum(axis=0)
        assert len(set(counts.tolist())) == 1
    assert len({column.tobytes() for column in is_live_NP.T}) > 45


def test_a_shift_of_place_is_found_and_sized() -> None:
    shifted = _normal(300, 1)
    shifted[:, 0] += 1.5
    drift = Detector().detect(_sample(_normal(300, 0)), _sample(shifted, "l"))
    assert drift.drifted
    assert drift.p_value == 1 / 500
    assert 0.75 < drift.effect.low < drift.effect.value < 0.9
    assert drift.effect.n == 300


def test_a_shift_of_spread_alone_is_found() -> None:
    drift = Detector().detect(_sample(_normal(300, 0)), _sample(_normal(300, 1) * 1.3, "l"))
    assert drift.drifted


def test_the_rows_that_show_it_most_are_those_that_shifted() -> None:
    live = _normal(300, 1)
    live[:60, :3] += 3.0
    drift = Detector().detect(_sample(_normal(500, 0)), _sample(live, "l"))
    most = sorted(drift.row_scores, key=drift.row_scores.get, reverse=True)[:40]
    assert drift.drifted
    assert sum(int(id[1:]) < 60 for id in most) >= 36


def test_a_significant_but_small_shift_is_no_drift() -> None:
    live = _normal(4000, 1, width=4)
    live[:, 0] += 0.15
    options = {"max_rows": 4000, "num_permutations": 49}
    drift = Detector(**options).detect(_sample(_normal(4000, 0, width=4)), _sample(live, "l"))
    assert drift.p_value == 0.02
    assert drift.effect.value < 0.55
    assert not drift.drifted
    assert Detector(**options, min_auc=0.501).detect(_sample(_normal(4000, 0, width=4)), _sample(live, "l")).drifted


@pytest.mark.parametrize("same", [np.zeros((40, 8)), np.ones((40, 8)), np.tile(np.arange(8.0), (40, 1))])
def test_rows_without_any_difference_are_no_drift(same: np.ndarray) -> None:
    drift = Detector().detect(_sample(same), _sample(same, "l"))
    assert (drift.p_value, drift.effect.value, drift.drifted) == (1.0, 0.5, False)


def test_more_rows_than_the_most_are_drawn() -> None:
    drift = Detector(max_rows=50, num_permutations=19).detect(_sample(_normal(400, 0)), _sample(_normal(300, 1), "l"))
    assert drift.details["rows_compared"] == [50, 50]
    assert len(drift.row_scores) == 50


@pytest.mark.parametrize("width", [0, 7])
def test_embeddings_of_another_model_are_refused(width: int) -> None:
    with pytest.raises(DataError, match=f"24 wide in the reference, {width} in the log"):
        Detector().detect(_sample(_normal(50, 0)), _sample(np.zeros((50, width)), "l"))
