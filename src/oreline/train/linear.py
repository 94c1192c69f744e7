"""A linear layer on fixed features, by scikit-learn: what the methods `head` and `linear` fit.

Shape suffixes: N rows, F features, K outputs.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from oreline.errors import UsageError
from oreline.models.class_weights import effective_weights
from oreline.train.job import VIEWS_OF_A_LAYER, Job

if TYPE_CHECKING:
    from numpy.typing import NDArray

Weights = str | dict[int, float] | None
"""Of the classes, as scikit-learn takes them."""
_NEVER = -30.0
"""Bias of an output that no training row has."""


class Linear(NamedTuple):
    """Weights of one layer and the strength that they were fitted with."""

    strength: float
    weight_KF: NDArray[np.float32]
    bias_K: NDArray[np.float32]

    def scores(self, job: Job, features_NF: Any) -> NDArray[np.float32]:
        """Return the task's scores for rows of features, (N, K)."""
        return job.task.activate(np.asarray(features_NF @ self.weight_KF.T) + self.bias_K)


def refuse_gradient_options(job: Job, method: str) -> None:
    """Raise `UsageError` for options of a loss that scikit-learn's solvers do not have."""
    for name in ("label_smoothing", "focal_gamma", "regularizers"):
        if value := getattr(job.options, name):
            raise UsageError(
                f"{name} is {value!r}, and the method {method!r} has a loss of its own", remedy="method: full"
            )


def refuse_words(job: Job, method: str, beside: Sequence[str] = ()) -> None:
    """Raise `UsageError` for a task that one layer over a whole text cannot answer; views `beside` it can."""
    if job.task.view not in (*VIEWS_OF_A_LAYER, *beside):
        raise UsageError(
            f"the method {method!r} answers whole texts, and this task answers by words",
            allowed="--method full, --method head" if job.task.view in ("tags", "frames") else "--method full",
            remedy="--method full",
        )


def fit(job: Job, features_NF: Any, strengths: Sequence[float], *, max_iterations: int) -> list[Linear]:
    """Fit the task's layer once for each strength, the weakest penalty last.

    Logistic regression for classes, one for each label where a row may have several, ridge regression for numbers.

    Args:
        job: names the task, the targets, what rows count, and the class weights.
        features_NF: the training rows, dense or sparse.
        strengths: inverse penalties (scikit-learn's C; 1 / alpha of a ridge).
        max_iterations: of each logistic regression.

    Raises:
        UsageError: class weights for a task without classes.
    """
    if job.options.class_weights != "none" and job.task.view != "classes":
        raise UsageError(
            "class_weights counts rare classes more",
            allowed="a task with one class a row",
            remedy="leave train.class_weights out",
        )
    ordered = sorted(strengths)
    if job.task.view == "numbers":
        rows = job.train
        fitted = [Ridge(alpha=1.0 / s).fit(features_NF, rows.targets, sample_weight=rows.weights_N) for s in ordered]
        return [
            Linear(strength, _float32(model.coef_[None]), _float32(np.atleast_1d(model.intercept_)))
            for strength, model in zip(ordered, fitted)
        ]
    if job.task.view == "classes":
        weights, num_labels = _class_weights(job), len(job.task.labels)
        given: Any = {"max_iterations": max_iterations, "weights": weights, "row_weights_N": job.train.weights_N}
        return fit_classes(features_NF, job.train.targets, num_labels, ordered, **given)
    columns = [
        list(_one_label(features_NF, marks_N, ordered, max_iterations, job.train.weights_N))
        for marks_N in np.asarray(job.train.targets).T
    ]
    return [
        Linear(strength, np.stack([weight for weight, _ in parts]), _float32(np.asarray([bias for _, bias in parts])))
        for strength, parts in zip(ordered, zip(*columns))
    ]


def fit_classes(
    features_NF: Any,
    targets_N: NDArray[Any],
    num_labels: int,
    strengths: Sequence[float],
    *,
    max_iterations: int,
    weights: Weights = None,
    row_weights_N: NDArray[np.float32] | None = None,
) -> list[Linear]:
    """Fit a logistic regression over `num_labels` classes once for each strength, the weakest penalty last."""
    ordered = sorted(strengths)
    models = _logistic(features_NF, targets_N, ordered, max_iterations, weights, row_weights_N)
    return [Linear(strength, *_by_class(model, num_labels)) for strength, model in zip(ordered, models)]


def loss(job: Job, targets: NDArray[Any], scores_NK: NDArray[np.floating]) -> float:
    """Return the mean loss of scores: log loss, binary log loss of all labels, or squared error."""
    if job.task.view == "numbers":
        return float(np.square(scores_NK[:, 0] - targets).mean())
    safe_NK = np.clip(scores_NK, 1e-7, 1 - 1e-7)
    if job.task.view == "classes":
        return float(-np.log(safe_NK[np.arange(len(targets)), targets]).mean())
    return float(-(targets * np.log(safe_NK) + (1 - targets) * np.log(1 - safe_NK)).sum(axis=1).mean())


def _class_weights(job: Job) -> Weights:
    if job.options.class_weights != "effective":
        return "balanced" if job.options.class_weights == "balanced" else None
    return dict(enumerate(effective_weights(job.train.targets, len(job.task.labels))))


def _logistic(
    features_NF: Any,
    targets_N: NDArray[Any],
    strengths: Sequence[float],
    max_iterations: int,
    weights: Weights,
    row_weights_N: NDArray[np.float32] | None = None,
) -> Iterator[Any]:
    """Yield a fit for each strength, each from where the one before it ended."""
    model = LogisticRegression(max_iter=max_iterations, class_weight=weights, warm_start=True)
    for strength in strengths:
        with warnings.catch_warnings():
            # Classes of one row or two are as they are: that targets are labels has been seen before.
            warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%")
            fitted = model.set_params(C=strength).fit(features_NF, targets_N, sample_weight=row_weights_N)
        yield copy.deepcopy(fitted)


def _one_label(
    features_NF: Any,
    marks_N: NDArray[Any],
    strengths: Sequence[float],
    max_iterations: int,
    row_weights_N: NDArray[np.float32] | None = None,
) -> Iterator[tuple[NDArray[np.float32], float]]:
    if np.ptp(marks_N) == 0:  # no training row has the label, or all do: there is nothing to tell apart
        bias = -_NEVER if marks_N[0] else _NEVER
        yield from [(np.zeros(features_NF.shape[1], np.float32), bias)] * len(strengths)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for model in _logistic(features_NF, marks_N.astype(np.int64), strengths, max_iterations, None, row_weights_N):
            yield _float32(model.coef_[0]), float(model.intercept_[0])


def _by_class(model: Any, num_labels: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    coefficients, intercepts = model.coef_, model.intercept_
    if len(coefficients) == 1:  # two classes: scikit-learn keeps one row, softmax([0, z]) is its sigmoid(z)
        coefficients = np.concatenate([np.zeros_like(coefficients), coefficients])
        intercepts = np.concatenate([[0.0], intercepts])
    weight_KF = np.zeros((num_labels, coefficients.shape[1]), np.float32)
    bias_K = np.full(num_labels, _NEVER, np.float32)
    weight_KF[model.classes_], bias_K[model.classes_] = coefficients, intercepts
    return weight_KF, bias_K


def _float32(array: NDArray[Any]) -> NDArray[np.float32]:
    return np.ascontiguousarray(array, np.float32)
