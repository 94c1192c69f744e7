"""Labels as evidence: planted errors of two kinds, and what keeps classes apart."""

from __future__ import annotations

import numpy as np
import pytest

from oreline.data.labels.posterior import Noise, fit_noise, posterior


def wavering(kind: str, num: int = 900, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three classes, a fifth of the labels wrong, and scores of a judge that has learnt from those labels."""
    random = np.random.default_rng(seed)
    truth = np.arange(num) % 3
    given = truth.copy()
    wrong = random.permutation(num)[: num // 5]
    given[wrong] = (given[wrong] + (random.integers(1, 3, len(wrong)) if kind == "any" else 1)) % 3
    scores = np.full((num, 3), 0.1)
    if kind == "next":
        scores[np.arange(num), (truth + 1) % 3] = 0.2
    scores[np.arange(num), truth] = 1 - scores.sum(axis=1) + 0.1
    scores += random.uniform(0, 0.05, scores.shape)
    return truth, given, (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)


def folds(given: np.ndarray, num: int = 5) -> np.ndarray:
    """Folds that rows fall into by chance."""
    return np.random.default_rng(1).integers(0, num, len(given))


@pytest.mark.parametrize("kind", ["any", "next"])
def test_planted_errors_are_found_and_the_noise_is_measured(kind: str) -> None:
    truth, given, scores = wavering(kind)
    noise = fit_noise(given, scores, folds(given))
    assert np.allclose(noise.transition_KK.sum(axis=1), 1)
    assert np.diag(noise.transition_KK).mean() == pytest.approx(0.8, abs=0.05)
    found = posterior(given, scores, noise)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-4)
    assert (found.argmax(axis=1) == truth).mean() > 0.95
    doubted = found[np.arange(len(given)), given] < 0.5
    assert (doubted == (given != truth)).mean() > 0.95


def test_a_label_counts_more_where_a_wrong_one_could_be_any() -> None:
    """The same text; of ten classes a wrong label would rarely be the second likeliest one."""
    beliefs = []
    for num_classes in (2, 10):
        transition = np.full((num_classes, num_classes), 0.2 / (num_classes - 1))
        np.fill_diagonal(transition, 0.8)
        scores = np.zeros((1, num_classes), np.float32)
        scores[0, :2] = 0.85, 0.15
        beliefs.append(posterior(np.array([1]), scores, Noise(transition, 1.0))[0, 1])
    assert beliefs[0] < 0.5 < beliefs[1]


def test_no_class_trades_its_name() -> None:
    """Nearly all labels of one class are another's: half of its rows still bear its name."""
    truth, given, scores = wavering("any")
    given[truth == 2] = np.where(np.arange(300) < 10, 2, 1)
    assert np.diag(fit_noise(given, scores, folds(given)).transition_KK).min() >= 0.5


def test_no_mistake_is_impossible_where_classes_are_many_and_small() -> None:
    """Of twelve rows a class, most pairs of classes are never counted as mistaken: that does not say they cannot be."""
    num_classes, random = 60, np.random.default_rng(0)
    truth = np.arange(12 * num_classes) % num_classes
    given, rows = truth.copy(), np.arange(len(truth))
    wrong = random.permutation(rows)[: len(truth) // 5]
    given[wrong] = (given[wrong] + random.integers(1, num_classes, len(wrong))) % num_classes
    scores = 0.1 * random.dirichlet(np.full(num_classes, 0.1), len(truth))
    scores[rows, np.where(random.random(len(truth)) < 0.1, truth ^ 1, truth)] += 0.9 * random.uniform(
        0.3, 1, len(truth)
    )
    scores[rows, truth] += 0.05
    scores = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    noise = fit_noise(given, scores, folds(given))
    assert noise.transition_KK.min() > 0
    assert (posterior(given, scores, noise)[wrong, given[wrong]] < 0.5).mean() > 0.95


@pytest.mark.parametrize("what", ["every row", "a class"])
def test_one_fold_may_hold_every_row_or_a_whole_class(what: str) -> None:
    """Rows of one group lie in one fold."""
    _, given, scores = wavering("any", 60)
    own = np.zeros(60, np.int64) if what == "every row" else (given == 2).astype(np.int64)
    transition = fit_noise(given, scores, own).transition_KK
    assert np.isfinite(transition).all()
    assert np.allclose(transition.sum(axis=1), 1)
