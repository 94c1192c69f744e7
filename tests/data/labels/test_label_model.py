"""The label model learns who is right from who agrees; against planted truth."""

from __future__ import annotations

import json

import numpy as np

from oreline.data.labels.label_model import LabelModel, agreement, decided, fit_label_model, majority


def planted(num: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes, a good rule that votes on all, two poor ones of the same mistakes' rate, one rule of one class."""
    random = np.random.default_rng(seed)
    truth = random.choice(3, num, p=[0.5, 0.3, 0.2])

    def rule(accuracy: float, coverage: float) -> np.ndarray:
        wrong = (truth + random.integers(1, 3, num)) % 3
        said = np.where(random.random(num) < accuracy, truth, wrong)
        return np.where(random.random(num) < coverage, said, -1)

    only = np.where((truth == 2) & (random.random(num) < 0.7), 2, np.where(random.random(num) < 0.02, 2, -1))
    return truth, np.stack([rule(0.95, 0.8), rule(0.6, 0.9), rule(0.6, 0.9), only], axis=1).astype(np.int16)


def test_it_finds_out_who_is_right_and_beats_the_majority() -> None:
    truth, votes = planted()
    model = fit_label_model(votes, np.ones(len(votes)), 3)
    learnt = model.accuracies()
    seen = [(votes[votes[:, rule] >= 0, rule] == truth[votes[:, rule] >= 0]).mean() for rule in range(4)]
    assert np.abs(learnt - seen).max() < 0.06
    assert np.abs(model.prior_K - np.bincount(truth) / len(truth)).max() < 0.05
    by_model, _ = decided(model.probabilities(votes), votes)
    by_majority, _ = decided(majority(votes, 3), votes)
    assert (by_model == truth).mean() > (by_majority == truth).mean() + 0.05


def test_probabilities_are_about_as_often_right_as_they_say() -> None:
    truth, votes = planted(seed=1)
    probabilities = fit_label_model(votes, np.ones(len(votes)), 3).probabilities(votes)
    assert np.allclose(probabilities.sum(axis=1), 1)
    label, sure = decided(probabilities, votes)
    assert abs(sure[label >= 0].mean() - (label == truth)[label >= 0].mean()) < 0.05


def test_patterns_with_their_counts_are_as_good_as_rows() -> None:
    _, votes = planted(500)
    patterns, counts = np.unique(votes, axis=0, return_counts=True)
    by_rows = fit_label_model(votes, np.ones(500), 3)
    by_patterns = fit_label_model(patterns, counts.astype(float), 3)
    assert np.allclose(by_rows.says_JKV, by_patterns.says_JKV, atol=1e-6)


def test_a_known_balance_stays() -> None:
    _, votes = planted(500)
    balance = np.array([0.2, 0.3, 0.5])
    assert fit_label_model(votes, np.ones(500), 3, balance).prior_K is balance


def test_it_goes_through_json() -> None:
    _, votes = planted(300)
    model = fit_label_model(votes, np.ones(300), 3)
    again = LabelModel.from_json(json.loads(json.dumps(model.to_json())))
    assert np.allclose(again.probabilities(votes), model.probabilities(votes), atol=1e-3)


def test_rows_without_votes_and_ties_are_left_open() -> None:
    votes = np.array([[-1, -1], [0, 1], [1, -1]], np.int16)
    label, sure = decided(majority(votes, 2), votes)
    assert label.tolist() == [-1, -1, 1]
    assert sure.tolist() == [0, 0, 1]
    model = fit_label_model(votes, np.ones(3), 2)
    assert decided(model.probabilities(votes), votes)[0][0] == -1
    covered, overlaps, conflicts = agreement(votes, np.ones(3))
    assert [part.round(2).tolist() for part in (covered, overlaps, conflicts)] == [
        [0.67, 0.33],
        [0.33, 0.33],
        [0.33, 0.33],
    ]
