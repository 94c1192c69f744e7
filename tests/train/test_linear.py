"""The layer that is fitted is scikit-learn's, for classes, labels and numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss

from oreline import registry
from oreline.errors import UsageError
from oreline.models.class_weights import effective_weights
from oreline.recipe import TrainOptions
from oreline.train.job import Job, Rows
from oreline.train.linear import fit, loss

SOURCE = np.random.default_rng(0)
FEATURES_NF = SOURCE.normal(size=(60, 5)).astype(np.float32)
PICKED_N = SOURCE.integers(3, size=60)


def job_of(task: Any, targets: Any, **options: Any) -> Job:
    """Return as much of a job as the layer reads."""
    rows = Rows({"text": [""] * len(targets)}, task.encode_target(targets))
    blank: Any = None
    return Job(task, None, rows, None, TrainOptions(**options), 0, blank, blank, blank, None, lambda event: None)


@pytest.mark.parametrize("classes", ["ab", "abc", "ac"])
@pytest.mark.parametrize("as_features", [np.asarray, scipy.sparse.csr_matrix])
def test_classes_get_the_probabilities_of_a_logistic_regression(classes: str, as_features: Any):
    names = [classes[k % len(classes)] for k in PICKED_N]
    task = registry.create("task", "text_classification", labels=["a", "b", "c"])
    job, features_NF = job_of(task, names), as_features(FEATURES_NF)
    weak, strong = fit(job, features_NF, [1.0, 0.1], max_iterations=1000)[::-1]
    assert (strong.strength, weak.strength) == (0.1, 1.0)
    theirs = LogisticRegression(C=1.0, max_iter=1000).fit(FEATURES_NF, names)
    scores_NK = weak.scores(job, features_NF)
    seen = ["abc".index(name) for name in theirs.classes_]
    np.testing.assert_allclose(scores_NK[:, seen], theirs.predict_proba(FEATURES_NF), atol=1e-3)
    assert np.delete(scores_NK, seen, axis=1).max(initial=0) < 1e-6, "a class without training rows is never given"
    assert loss(job, job.train.targets, scores_NK) == pytest.approx(
        log_loss(names, theirs.predict_proba(FEATURES_NF)), rel=1e-2
    )


def test_nothing_is_warned_of_where_most_classes_have_one_row():
    names = [str(number) for number in range(29)] + ["0"]
    task = registry.create("task", "text_classification", labels=sorted(set(names)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(job_of(task, names), FEATURES_NF[:30], [1.0], max_iterations=1000)


def test_labels_get_a_logistic_regression_each():
    targets = [[name for name, k in (("a", 0), ("b", 1)) if picked == k or picked == 2] for picked in PICKED_N]
    task = registry.create("task", "multilabel", labels=["a", "b", "never"])
    job = job_of(task, targets)
    [layer] = fit(job, FEATURES_NF, [1.0], max_iterations=1000)
    scores_NK = layer.scores(job, FEATURES_NF)
    for k in range(2):
        theirs = LogisticRegression(max_iter=1000).fit(FEATURES_NF, job.train.targets[:, k].astype(int))
        np.testing.assert_allclose(scores_NK[:, k], theirs.predict_proba(FEATURES_NF)[:, 1], atol=1e-3)
    assert scores_NK[:, 2].max() < 1e-6
    marks_NK = job.train.targets
    by_hand = -np.log(np.where(marks_NK == 1, scores_NK, 1 - scores_NK).clip(1e-7)).sum(axis=1).mean()
    assert loss(job, marks_NK, scores_NK) == pytest.approx(float(by_hand), rel=1e-5)


def test_numbers_get_a_ridge_regression():
    task = registry.create("task", "regression", mean=0.0, spread=1.0)
    job = job_of(task, (FEATURES_NF @ [1.0, -2.0, 0.0, 0.5, 3.0] + 4).tolist())
    [layer] = fit(job, FEATURES_NF, [10.0], max_iterations=1)
    theirs = Ridge(alpha=0.1).fit(FEATURES_NF, job.train.targets).predict(FEATURES_NF)
    scores_N1 = layer.scores(job, FEATURES_NF)
    np.testing.assert_allclose(scores_N1[:, 0], theirs, atol=1e-4)
    assert loss(job, job.train.targets, scores_N1) == pytest.approx(
        float(((theirs - job.train.targets) ** 2).mean()), rel=1e-3
    )


def test_effective_class_weights_are_the_rows_weights():
    targets = [0] * 30 + [2] * 10  # the class between them has no row
    features_NF = FEATURES_NF[:40]
    task = registry.create("task", "text_classification", labels=["a", "b", "c"])
    job = job_of(task, ["a"] * 30 + ["c"] * 10, class_weights="effective")
    [layer] = fit(job, features_NF, [1.0], max_iterations=1000)
    weights = np.array(effective_weights(np.array(targets), 3))
    theirs = LogisticRegression(max_iter=1000).fit(features_NF, targets, sample_weight=weights[targets])
    expected = theirs.predict_proba(features_NF)
    np.testing.assert_allclose(layer.scores(job, features_NF)[:, [0, 2]], expected, atol=1e-3)


def test_class_weights_are_for_classes():
    with pytest.raises(UsageError, match="one class a row") as caught:
        fit(
            job_of(registry.create("task", "regression", mean=0.0, spread=1.0), [1.0, 2.0], class_weights="balanced"),
            FEATURES_NF[:2],
            [1.0],
            max_iterations=1,
        )
    assert "class_weights" in str(caught.value)
