"""Temperature and thresholds against SciPy and against counting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from oreline.train.calibrate import cooled, temperature, thresholds


def drawn(seed: int, *, sharper: float = 1.0, rows: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are right as often as they say, then made too sure by a factor of the logits."""
    source = np.random.default_rng(seed)
    logits = source.normal(size=(rows, 3))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = np.array([source.choice(3, p=row) for row in true])
    powers = np.exp(logits * sharper)
    return powers / powers.sum(axis=1, keepdims=True), targets


@pytest.mark.parametrize("seed", [0, 1])
def test_the_temperature_is_scipys(seed: int) -> None:
    scores, targets = drawn(seed, sharper=3.0)

    def loss(log_t: float) -> float:
        return float(-np.log(cooled(scores, np.exp(log_t))[np.arange(len(targets)), targets]).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded", options={"xatol": 1e-9})
    assert temperature(scores, targets) == pytest.approx(np.exp(found.x), rel=1e-5)
    assert temperature(scores, targets) == pytest.approx(3.0, rel=0.3)


def test_a_temperature_changes_no_answer_and_one_changes_nothing() -> None:
    scores, _ = drawn(2)
    np.testing.assert_allclose(cooled(scores, 1.0), scores)
    assert (cooled(scores, 4.0).argmax(axis=1) == scores.argmax(axis=1)).all()
    assert cooled(scores, 4.0).max() < scores.max()


@given(st.integers(0, 50), st.floats(0.3, 1.0), st.integers(1, 12))
def test_thresholds_keep_what_they_promise_and_are_the_lowest(seed: int, precision: float, fewest: int) -> None:
    scores, targets = drawn(seed, rows=80)
    scores = np.round(scores, 1) / np.round(scores, 1).sum(axis=1, keepdims=True)  # many ties
    found = thresholds(scores, targets, precision=precision, fewest=fewest)
    answers = scores.argmax(axis=1)
    for label in range(3):
        mine = scores[:, label][answers == label]
        right = targets[answers == label] == label
        fitting = [v for v in mine if right[mine >= v].mean() >= precision and (mine >= v).sum() >= fewest]
        assert found[label] == (min(fitting) if fitting else np.inf)


def test_no_rows_no_threshold() -> None:
    assert np.isinf(thresholds(np.array([[0.9, 0.1]]), np.array([0]), precision=0.5, fewest=2)).all()
    assert np.isinf(thresholds(np.zeros((0, 2)), np.zeros(0, np.int64), precision=0.5, fewest=1)).all()
