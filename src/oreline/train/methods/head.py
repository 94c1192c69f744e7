"""Train a linear head on embeddings that are computed once.

Shape suffixes: N rows, D width, K classes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from oreline import registry
from oreline.train.encoder import EncoderTraining, start_of
from oreline.train.job import Job, Outcome
from oreline.train.linear import Linear, fit, loss, refuse_gradient_options, refuse_words
from oreline.train.precision import using_threads
from oreline.train.tracking import log_once
from oreline.types import Event

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Method:
    """A linear head on a frozen encoder: each text is encoded once, whatever the number of epochs.

    The head is a logistic regression, one for each label where a row may have several, or a ridge regression for
    numbers, on the mean of the last states; on few rows it is the method that over-fits least.

    Args:
        regularization: inverse strengths (scikit-learn's C) that are tried; the best on dev is kept.
    """

    runtime = "torch"

    def __init__(self, *, regularization: tuple[float, ...] = (1.0, 10.0, 100.0)) -> None:
        self.regularization = tuple(regularization)

    def train(self, job: Job) -> Outcome:
        """Embed all rows once, fit the head, put it on the encoder."""
        folder = start_of(job, "head")
        refuse_gradient_options(job, "head")
        refuse_words(job, "head")
        head = registry.create("head", job.task.head, num_labels=len(job.task.labels), pooling="mean")
        start = time.perf_counter()
        with using_threads((job.resolved or {}).get("threads") or job.options.threads) as threads:
            training = EncoderTraining(job, folder, head)
            train_ND = training.embeddings(training.train)
            job.on_event(Event("train", 1, 2, {"rows_per_s": len(train_ND) / (time.perf_counter() - start)}))
            dev_ND = training.embeddings(training.dev) if training.dev is not None else None
            best = self._best(job, train_ND, dev_ND)
            with torch.no_grad():
                training.model.classifier.weight.copy_(torch.from_numpy(best.weight_KF))
                training.model.classifier.bias.copy_(torch.from_numpy(best.bias_K))
            outputs = training.outputs(training.dev) if training.dev is not None else None
        seconds = time.perf_counter() - start
        rates = {"rows_per_s": len(train_ND) / seconds}
        job.on_event(Event("train", 2, 2, rates))
        log_once(job, "head", rates)
        return Outcome(
            save=training.save,
            max_tokens=training.max_tokens,
            dev_outputs=outputs,
            resolved={"regularization": best.strength, "threads": threads, "precision": "fp32"},
            measurements={"train_s": round(seconds, 3), "rows_per_s": round(len(train_ND) / seconds, 1)},
        )

    def _best(self, job: Job, train_ND: NDArray[np.float32], dev_ND: NDArray[np.float32] | None) -> Linear:
        strengths = sorted(self.regularization)
        if job.resolved and "regularization" in job.resolved:
            # The way to it is part of the result: each fit begins where the one before it ended.
            strengths = [strength for strength in strengths if strength <= float(job.resolved["regularization"])]
            return fit(job, train_ND, strengths, max_iterations=5000)[-1]
        fitted = fit(job, train_ND, strengths if dev_ND is not None else strengths[:1], max_iterations=5000)
        if job.dev is None or dev_ND is None:
            return fitted[0]
        return fitted[int(np.argmin([loss(job, job.dev.targets, layer.scores(job, dev_ND)) for layer in fitted]))]
