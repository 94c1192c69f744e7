"""Train a linear head on embeddings that are computed once.

Shape suffixes: N rows, D width, K classes.
"""

from __future__ import annotations

import time

import numpy as np
import torch

from oreline import registry
from oreline.errors import UsageError
from oreline.runtime.batching import take
from oreline.runtime.samples import NUM_REFERENCE
from oreline.train.encoder import EncoderTraining, start_of
from oreline.train.forecasts import END_S, forecast_without_steps
from oreline.train.foretell import measured_reading
from oreline.train.job import Job, Outcome
from oreline.train.linear import Linear, fit, loss, refuse_gradient_options, refuse_words
from oreline.train.precision import training_on
from oreline.train.tracking import log_once
from oreline.train.words import BY_WORD, IGNORED, by_token, fit_words, some_rows, word_states
from oreline.types import Event

_ITERATIONS, _ITERATION_S, _SECONDS_A_PRODUCT = 100, 1e-4, 1e-9
"""Of a logistic regression: usual number, what one takes whatever the rows, and what a row, value and class add."""
_COPIES = 3
"""Of the embeddings, while scikit-learn fits."""


class Method:
    """A linear head on a frozen encoder: each text is encoded once, whatever the number of epochs.

    The head is a logistic regression, one for each label where a row may have several, or a ridge regression for
    numbers, on the mean of the last states, or those of a task's two marks; on few rows it is the method that over-fits
    least. Where every word has an answer it is a logistic regression over the words' own states, which are kept in a
    file while it is fitted (4 bytes a value: 500,000 words of a 384 wide encoder take 0.7 GiB of disk).

    Args:
        regularization: inverse strengths (scikit-learn's C) that are tried; the best on dev is kept.
        max_words: of a task that answers every word, so many words are fitted on at most, of rows drawn at random.
    """

    runtime = "torch"
    weighs = True

    def __init__(self, *, regularization: tuple[float, ...] = (1.0, 10.0, 100.0), max_words: int = 500_000) -> None:
        if max_words < 1:
            raise UsageError(f"head: max_words is {max_words}", allowed="from 1")
        self.regularization, self.max_words = tuple(regularization), max_words

    def train(self, job: Job) -> Outcome:
        """Embed all rows or words once, fit the head, put it on the encoder."""
        folder = start_of(job, "head")
        refuse_gradient_options(job, "head")
        refuse_words(job, "head", beside=BY_WORD)
        pooling = getattr(job.task, "pooling", "mean")
        head = registry.create("head", job.task.head, num_labels=len(job.task.labels), pooling=pooling)
        start = time.perf_counter()
        with training_on((job.resolved or {}).get("threads") or job.options.threads) as threads:
            training = EncoderTraining(job, folder, head)
            self._foretell(training)
            best = self._of_words(training) if job.task.view in BY_WORD else self._of_texts(training)
            with torch.no_grad():
                training.model.classifier.weight.copy_(torch.from_numpy(best.weight_KF))
                training.model.classifier.bias.copy_(torch.from_numpy(best.bias_K))
            outputs = training.outputs(training.dev) if training.dev is not None else None
        seconds = time.perf_counter() - start
        rates = {"rows_per_s": len(job.train) / seconds}
        job.on_event(Event("train", 2, 2, rates))
        log_once(job, "head", rates)
        return Outcome(
            save=training.save,
            max_tokens=training.max_tokens,
            dev_outputs=outputs,
            resolved={"regularization": best.strength, "threads": threads, "precision": "fp32"},
            measurements={"train_s": round(seconds, 3), "rows_per_s": round(len(job.train) / seconds, 1)},
        )

    def _of_texts(self, training: EncoderTraining) -> Linear:
        """Fit the layer on one vector a row."""
        job, start = training.job, time.perf_counter()
        train_ND = training.embeddings(training.train)
        job.on_event(Event("train", 1, 2, {"rows_per_s": len(train_ND) / (time.perf_counter() - start)}))
        dev_ND = training.embeddings(training.dev) if training.dev is not None else None
        fitted = fit(job, train_ND, self._strengths(job), max_iterations=5000)
        if job.dev is None or dev_ND is None or _resolved(job):
            return fitted[-1]
        return fitted[int(np.argmin([loss(job, job.dev.targets, layer.scores(job, dev_ND)) for layer in fitted]))]

    def _of_words(self, training: EncoderTraining) -> Linear:
        """Fit the layer on one vector a word."""
        job, start = training.job, time.perf_counter()
        if job.options.class_weights != "none":
            raise UsageError(
                "class_weights counts rare classes more",
                allowed="a task with one class a row",
                remedy="leave train.class_weights out",
            )
        rows = some_rows(training.targets, self.max_words, job.seed)
        if (num_left := len(training.targets) - len(rows)) > 0:
            job.say(f"the head is fitted on {self.max_words:,} words at most: {num_left:,} rows are left out")
        files = [job.work.folder / f"{name}.words" for name in ("train", "dev")]
        try:
            chosen = [training.targets[row] for row in rows]
            states_MD, targets_M = word_states(training, take(training.pieces, rows), chosen, files[0])
            job.on_event(Event("train", 1, 2, {"rows_per_s": len(rows) / (time.perf_counter() - start)}))
            judged = None
            if job.dev is not None and training.dev is not None and not _resolved(job):
                judged = word_states(
                    training, *by_token(job.task, training.dev, job.dev, training.max_tokens), files[1]
                )
            weights_M = None
            if training.weights_N is not None:
                weights_M = np.repeat(training.weights_N[rows], [int((row_T != IGNORED).sum()) for row_T in chosen])
            return fit_words(states_MD, targets_M, judged, self._strengths(job), len(job.task.labels), weights_M)
        finally:
            for file in files:
                file.unlink(missing_ok=True)

    def _foretell(self, training: EncoderTraining) -> None:
        """Say what reading all rows and fitting the head will take."""
        job, num_dev = training.job, len(training.job.dev) if training.job.dev is not None else 0
        row_s, memory_bytes = measured_reading(training)
        width, vectors = int(training.model.classifier.in_features), len(job.train)
        if job.task.view in BY_WORD:
            vectors = min(sum(int((row_T != IGNORED).sum()) for row_T in training.targets), self.max_words)
        products = vectors * width * len(job.task.labels)
        fit_s = len(self._strengths(job)) * _ITERATIONS * (_ITERATION_S + products * _SECONDS_A_PRODUCT)
        # Dev is read for the choice, for its figures, and (1,000 rows of it) as the artifact's sample.
        end_s = END_S + row_s * (num_dev + min(num_dev, NUM_REFERENCE))
        # The finished artifact is opened beside the model that was trained, to answer its sample.
        weights = sum(parameter.numel() for parameter in training.model.parameters())
        memory_bytes += 4 * weights + _COPIES * 4 * width * vectors
        job.on_event(
            forecast_without_steps(row_s * (len(job.train) + num_dev) + fit_s, end_s, memory_bytes, len(job.train))
        )

    def _strengths(self, job: Job) -> list[float]:
        strengths = sorted(self.regularization)
        if resolved := _resolved(job):  # the way to it is part of the result: each fit begins where the last one ended
            return [strength for strength in strengths if strength <= resolved]
        return strengths if job.dev is not None else strengths[:1]


def _resolved(job: Job) -> float | None:
    return float(job.resolved["regularization"]) if job.resolved and "regularization" in job.resolved else None
