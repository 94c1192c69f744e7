"""Train a linear head on embeddings that are computed once.

Shape suffixes: N rows, D width, K classes.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from oreline import registry
from oreline.train.encoder import EncoderTraining, start_of
from oreline.train.job import Job, Outcome
from oreline.train.precision import using_threads
from oreline.types import Event


class Method:
    """A linear head on a frozen encoder: each text is encoded once, whatever the number of epochs.

    The head is a logistic regression on the mean of the last states; on few rows it is the method that over-fits least.

    Args:
        regularization: inverse strengths (scikit-learn's C) that are tried; the best on dev is kept.
    """

    runtime = "torch"

    def __init__(self, *, regularization: tuple[float, ...] = (1.0, 10.0, 100.0)) -> None:
        self.regularization = tuple(regularization)

    def train(self, job: Job) -> Outcome:
        """Embed all rows once, fit the head, put it on the encoder."""
        folder = start_of(job, "head")
        head = registry.create("head", job.task.head, num_labels=len(job.task.labels), pooling="mean")
        start = time.perf_counter()
        with using_threads((job.resolved or {}).get("threads") or job.options.threads) as threads:
            training = EncoderTraining(job, folder, head)
            train_ND = training.embeddings(training.train)
            job.on_event(Event("train", 1, 2, {"rows_per_s": len(train_ND) / (time.perf_counter() - start)}))
            dev_ND = training.embeddings(training.dev) if training.dev is not None else None
            best = self._best(job, train_ND, dev_ND)
            _place(training.model.classifier, best, len(job.task.labels))
            outputs = training.outputs(training.dev) if training.dev is not None else None
        seconds = time.perf_counter() - start
        job.on_event(Event("train", 2, 2, {"rows_per_s": len(train_ND) / seconds}))
        return Outcome(
            save=training.save,
            max_tokens=training.max_tokens,
            dev_outputs=outputs,
            resolved={"regularization": float(best.C), "threads": threads, "precision": "fp32"},
            measurements={"train_s": round(seconds, 3), "rows_per_s": round(len(train_ND) / seconds, 1)},
        )

    def _best(self, job: Job, train_ND: np.ndarray, dev_ND: np.ndarray | None) -> Any:
        strengths = self.regularization
        if job.resolved and "regularization" in job.resolved:
            strengths = (float(job.resolved["regularization"]),)
        weights = "balanced" if job.options.class_weights == "balanced" else None
        fitted = [
            LogisticRegression(C=strength, max_iter=5000, class_weight=weights).fit(train_ND, job.train.targets_N)
            for strength in (strengths if dev_ND is not None else strengths[:1])
        ]
        if job.dev is None or dev_ND is None:
            return fitted[0]
        targets_N = job.dev.targets_N
        return max(fitted, key=lambda model: model.score(dev_ND, targets_N))


def _place(classifier: torch.nn.Linear, model: Any, num_labels: int) -> None:
    """Copy a logistic regression's coefficients into the head; a class without training rows gets a low bias."""
    coefficients, intercepts = model.coef_, model.intercept_
    if len(coefficients) == 1:  # two classes: softmax([0, z]) is sigmoid(z)
        coefficients = np.concatenate([np.zeros_like(coefficients), coefficients])
        intercepts = np.concatenate([[0.0], intercepts])
    weight_KD = np.zeros((num_labels, coefficients.shape[1]), np.float32)
    bias_K = np.full(num_labels, -30.0, np.float32)
    weight_KD[model.classes_], bias_K[model.classes_] = coefficients, intercepts
    with torch.no_grad():
        classifier.weight.copy_(torch.from_numpy(weight_KD))
        classifier.bias.copy_(torch.from_numpy(bias_K))
