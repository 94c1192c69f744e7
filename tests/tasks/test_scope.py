"""A classifier's scope: fitted, saved and rebuilt; the out-of-scope label wins exactly where a row is rejected."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oreline.errors import DataError, UsageError
from oreline.metrics.scope import margins
from oreline.tasks.scope import FURTHEST, best_slope
from oreline.tasks.text_classification import Task

LABELS = ["a", "oos", "z"]


def outputs(seed: int, num_rows: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets, logits and embeddings in which rows of the label `oos` (index 1) differ a little."""
    source = np.random.default_rng(seed)
    targets_N = source.integers(3, size=num_rows)
    logits_NK = source.normal(size=(num_rows, 3)).astype(np.float32)
    logits_NK[np.arange(num_rows), targets_N] += 2
    logits_NK[targets_N == 1] *= 0.5
    embedding_ND = (source.normal(size=(num_rows, 4)) + targets_N[:, None]).astype(np.float32)
    return targets_N, logits_NK, embedding_ND


def task(name: str) -> Task:
    return Task(labels=LABELS, temperature=1.0, reject={"rejector": name, "options": {"label": "oos"}})


def fitted(name: str, seed: int = 0) -> Task:
    targets_N, logits_NK, embedding_ND = outputs(seed)
    made = task(name)
    if made.scope.rejector.reads_embedding:
        made = made.holding(made.scope.rejector.remember(embedding_ND[targets_N != 1], targets_N[targets_N != 1]))
    return made.fitted(targets_N, logits_NK, embedding_ND)


@pytest.mark.parametrize("name", ["softmax", "energy", "distance", "trained"])
def test_the_label_wins_exactly_beyond_the_threshold(name: str):
    made = fitted(name)
    targets_N, logits_NK, embedding_ND = outputs(1)
    scores_NK = made.activate(logits_NK, embedding_ND)
    np.testing.assert_allclose(scores_NK.sum(axis=1), 1, rtol=1e-5)
    far_N = made.scope._far(logits_NK / made.temperature, embedding_ND)
    np.testing.assert_array_equal(made.predicted(scores_NK) == 1, far_N > made.scope.threshold)
    order = np.argsort(margins(scores_NK, 1), kind="stable")
    assert (np.diff(far_N[order]) > -1e-3 * np.ptp(far_N)).all()  # ranks are read back from scores
    inside = made.predicted(scores_NK) != 1
    np.testing.assert_array_equal(
        made.predicted(scores_NK)[inside], np.array([0, 2])[logits_NK[:, [0, 2]].argmax(axis=1)][inside]
    )


@pytest.mark.parametrize("name", ["softmax", "energy", "distance", "trained"])
def test_round_trips_through_json_and_arrays(name: str):
    made = fitted(name)
    _, logits_NK, embedding_ND = outputs(2)
    rebuilt = Task(**json.loads(json.dumps(made.options))).holding(dict(made.arrays))
    np.testing.assert_array_equal(rebuilt.activate(logits_NK, embedding_ND), made.activate(logits_NK, embedding_ND))
    assert rebuilt.reads_embedding == (name == "distance")
    assert "threshold" not in made.scope.unfitted()
    assert made.scope.unfitted()["kept"] == made.scope.kept


def test_before_fitting_the_label_is_a_class_like_the_others():
    _, logits_NK, _ = outputs(0)
    made, plain = task("energy"), Task(labels=LABELS)
    np.testing.assert_allclose(made.activate(logits_NK), plain.activate(logits_NK))
    assert not made.reads_embedding


def test_without_rows_out_of_scope_the_share_that_was_kept_before_is_kept_again():
    targets_N, logits_NK, _ = outputs(0, 400)
    inside = targets_N != 1
    reject = {"rejector": "softmax", "options": {"label": "oos"}, "kept": 0.8}
    made = Task(labels=LABELS, temperature=1.0, reject=reject).fitted(targets_N[inside], logits_NK[inside])
    assert made.scope.kept == pytest.approx(0.8, abs=0.01)


def test_calibration_alone_changes_no_answer():
    targets_N, logits_NK, _ = outputs(0)
    made = Task(labels=LABELS, temperature=1.0).fitted(targets_N, 4 * logits_NK)
    assert made.temperature > 1
    assert made.scope is None
    np.testing.assert_array_equal(made.activate(logits_NK).argmax(axis=1), logits_NK.argmax(axis=1))
    assert Task(**made.options).options == made.options


@pytest.mark.parametrize("num_rows", [0, 1])
def test_few_rows_are_scored(num_rows: int):
    _, logits_NK, embedding_ND = outputs(0, 3)
    for name in ("energy", "distance"):
        assert fitted(name).activate(logits_NK[:num_rows], embedding_ND[:num_rows]).shape == (num_rows, 3)


def test_wrong_things_are_refused():
    with pytest.raises(DataError, match="'a', 'b'"):
        Task(labels=["a", "b"], reject={"rejector": "energy"})
    with pytest.raises(DataError, match="'a', 'oos'"):
        Task(labels=["a", "oos"], reject={"rejector": "energy"})
    with pytest.raises(UsageError, match="no rejector named"):
        Task(labels=LABELS, reject={"rejector": "enrgy"})
    targets_N, logits_NK, _ = outputs(0)
    with pytest.raises(DataError, match="no row that is in scope"):
        task("energy").fitted(targets_N[targets_N == 1], logits_NK[targets_N == 1])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(1e-3, 1e3))
def test_the_slope_has_the_lowest_loss_and_keeps_the_bounds(seed: int, scale: float):
    source = np.random.default_rng(seed)
    outside_N = np.arange(50) % 2 == 0
    margin_N = scale * (source.normal(size=50) + outside_N - 0.5)
    slope = best_slope(margin_N, outside_N)
    assert 0 < slope <= FURTHEST / np.abs(margin_N).max() * (1 + 1e-9)

    def loss(value: float) -> float:
        return float(np.logaddexp(0, -value * np.where(outside_N, margin_N, -margin_N)).mean())

    assert loss(slope) <= min(loss(slope * 0.95), loss(min(slope * 1.05, FURTHEST / np.abs(margin_N).max()))) + 1e-9
