"""Contrastive fine-tuning with a linear head: for few rows a class.

Shape suffixes: N rows, M rows and label texts together, D width.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from oreline import registry
from oreline.errors import UsageError
from oreline.models.attention import set_dropout
from oreline.models.batch import Batch, make_batch
from oreline.runtime.batching import length_batches
from oreline.runtime.samples import NUM_REFERENCE
from oreline.train.batches import cheapest_parts, class_steps
from oreline.train.budget import Budget, told_of
from oreline.train.contrast import ContrastHead, compared
from oreline.train.describe import check, label_texts
from oreline.train.encoder import EncoderTraining, start_of
from oreline.train.forecasts import END_S, Forecast
from oreline.train.foretell import announced, tried
from oreline.train.job import Job, Outcome, Rows
from oreline.train.linear import Linear, fit, loss
from oreline.train.precision import training_on
from oreline.train.resources import (
    MOST_SHAPES,
    Trial,
    activation_bytes,
    flops_per_token,
    forecast,
    forecast_of,
    keep,
    measuring,
    resolve,
)
from oreline.train.run import Plan, Progress, run
from oreline.types import Encoded

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FORECAST_FROM = 20
"""Steps from which on a forecast is worth passes of its own: in a shorter run the first step is measured, which takes
a tenth longer than the others, since memory is asked for."""
_FIRST_PAIR, _NEXT_PAIR, _ENOUGH = 5, 2, 15
"""Steps where few rows would make fewer, by the pairs of classes to be told apart: chosen on rows that are not trained
on, of sst2 (2 classes, 5 steps) and agnews (4 classes, 16 steps better than 8 in three of three draws)."""
_MANY_CLASSES = 10
"""Classes above which the softmax is better, on rows that are not trained on: 150 intents (clinc150, 0.927 against
0.891), a dozen of ATIS (0.924 against 0.916). With seven classes of bank questions it is worse (0.720 against 0.750),
with four and two as well."""
_SAMPLED = 32
"""Steps that say how many tokens a mean step and the largest one have."""
_PASS_TOKENS = {"cpu": 80, "cuda": 1 << 30}
"""Padded tokens that are worth a forward pass more: what a pass takes whatever its tokens (MiniLM-L6, one thread)."""

NAME_WEIGHT = 5
"""Rows that a label's text counts for in the logistic regression: measured from 1 to 8, best at 3 to 8."""


class Method:
    """Contrastive fine-tuning: rows of a class are drawn together, then a logistic regression is fitted.

    Every text is encoded once a step and compared with all others of the step, so that the cost does not grow with the
    number of pairs. What the labels mean, in words, stands beside the rows: one row more for each class.

    Args:
        steps: optimizer steps at least; `epochs` passes over the rows, where these take more. When not set, five
            for two classes, two more for each further pair of classes, and no more than 15.
        rows_per_class: rows of a class that come into a step together.
        loss: `squared` moves the cosine of two rows towards 1 or 0; `softmax` picks a row's class out of all rows of
            the step. When not set, `softmax` where there are more than ten classes.
        descriptions: a text, or a list of texts, by label; a label that is not named here is described by its name.
        names: whether a label's name describes it; say no where the names mean nothing.
        regularization: inverse strengths (scikit-learn's C) of the logistic regression; the best on dev is kept, the
            first one where there is no dev.
    """

    runtime = "torch"
    one_text = True
    learning_rate = 1e-4

    def __init__(
        self,
        *,
        steps: int | None = None,
        rows_per_class: int = 2,
        loss: Literal["squared", "softmax"] | None = None,
        descriptions: Mapping[str, Any] | None = None,
        names: bool = True,
        regularization: Sequence[float] = (10.0, 1.0, 100.0),
    ) -> None:
        if (steps or 0) < 0 or rows_per_class < 1:
            raise UsageError(
                f"contrastive: steps={steps}, rows_per_class={rows_per_class}",
                allowed="steps from 0, rows_per_class from 1",
            )
        self.steps, self.rows_per_class, self.loss = steps, rows_per_class, loss
        self.texts, self.names = check(descriptions or {}, "contrastive"), names
        self.regularization = tuple(regularization)

    def train(self, job: Job) -> Outcome:
        """Train the encoder on `job.train`, then fit the head on its embeddings."""
        for name in ("label_smoothing", "focal_gamma"):
            if value := getattr(job.options, name):
                raise UsageError(
                    f"{name} is {value!r}, and the method 'contrastive' has a loss of its own", remedy="method: full"
                )
        folder = start_of(job, "contrastive")
        num_labels = len(job.task.labels)
        compared_by = self.loss or ("softmax" if num_labels > _MANY_CLASSES else "squared")
        head = ContrastHead(num_labels=num_labels, loss=compared_by)
        training = EncoderTraining(job, folder, head)
        if job.options.dropout is None:
            set_dropout(training.model, 0.0)
        with training_on((job.resolved or {}).get("threads") or job.options.threads) as threads:
            texts = label_texts(job.task.labels, self.texts, names=self.names)
            outside = getattr(job.task, "outside", None)
            if outside is not None and job.task.labels[outside] not in self.texts:
                texts[outside] = ()  # rows of no class have nothing in common that the label's name could say
            rows = _with_labels(training, texts)
            resolved, progress = self._train_encoder(training, rows, threads)
            best = self._best_head(training, rows, resolved)
            with torch.no_grad():
                training.model.classifier.weight.copy_(torch.from_numpy(best.weight_KF))
                training.model.classifier.bias.copy_(torch.from_numpy(best.bias_K))
            outputs = training.outputs(training.dev) if training.dev is not None else None
        return Outcome(
            save=training.save,
            max_tokens=training.max_tokens,
            dev_outputs=outputs,
            resolved={**resolved, "regularization": best.strength},
            measurements={"steps": progress.step},
            history=progress.history,
        )

    def _train_encoder(self, training: EncoderTraining, rows: _Rows, threads: int) -> tuple[dict[str, Any], Progress]:
        """Make the steps; returns what was resolved on this machine, and the progress."""
        job, options, model = training.job, training.job.options, training.model
        resolved = resolve(model, options, job.work, job.resolved, threads)
        budget = Budget(resolved, lambda found: keep(job.work, found))
        steps = _Steps(training, rows, self.rows_per_class, budget)
        rate = options.learning_rate or self.learning_rate
        optimizer = registry.create("optimizer", options.optimizer, **options.optimizer_options).build(
            model, learning_rate=rate, weight_decay=options.weight_decay, layer_decay=options.layer_decay
        )
        watch = None
        if "num_steps" not in resolved:
            wanted = max(self._least_steps(len(job.task.labels)), round(options.epochs * steps.per_epoch))
            if wanted < _FORECAST_FROM and options.minutes is None:
                watch, resolved["num_steps"] = steps.foretelling(wanted, optimizer), wanted
            else:
                resolved["num_steps"] = steps.foretold(wanted, optimizer, bf16=resolved["precision"] == "bf16")
            keep(job.work, resolved)
        plan = Plan(
            model=model,
            optimizer=optimizer,
            loss=training.regularized.loss,
            steps=steps.batches,
            num_steps=int(resolved["num_steps"]),
            learning_rate=rate,
            precision=str(resolved["precision"]),
            flops_per_token=flops_per_token(model) * training.regularized.cost,
            peak_gflops=float(resolved["peak_gflops"]),
            smaller=steps.smaller,
            average=training.regularized.average,
            logs=job.logs,
            watch=watch,
        )
        config = {"method": "contrastive", "learning_rate": rate, **options.model_dump(exclude={"track"})}
        return resolved, run(plan, options, job.work, job.on_event, config)

    def _least_steps(self, num_classes: int) -> int:
        if self.steps is not None:
            return self.steps
        num_pairs = num_classes * (num_classes - 1) // 2
        return min(_FIRST_PAIR + _NEXT_PAIR * (num_pairs - 1), _ENOUGH)

    def _best_head(self, training: EncoderTraining, rows: _Rows, resolved: Mapping[str, Any]) -> Linear:
        """Fit the logistic regression on rows and label texts; of several strengths, the best on dev is kept."""
        job = training.job
        embedding_MD = training.embeddings(rows.encoded)
        scale = float(np.linalg.norm(embedding_MD, axis=1).mean())  # strengths then mean the same for every encoder
        strengths = list(self.regularization if job.dev is not None else self.regularization[:1])
        if "regularization" in resolved:  # the way to it is part of the result
            strengths = [strength for strength in strengths if strength <= float(resolved["regularization"])]
        counts_M = np.where(np.arange(len(embedding_MD)) < rows.num_rows, 1, NAME_WEIGHT)
        repeated = np.repeat(np.arange(len(embedding_MD)), counts_M)
        described = replace(job, train=Rows(job.train.columns, rows.classes_M[repeated]))
        fitted = [
            Linear(layer.strength, layer.weight_KF / np.float32(scale), layer.bias_K)
            for layer in fit(described, embedding_MD[repeated] / scale, strengths, max_iterations=5000)
        ]
        if job.dev is None or "regularization" in resolved:
            return fitted[-1]
        dev_ND = training.embeddings(training.dev) if training.dev is not None else embedding_MD
        return fitted[int(np.argmin([loss(job, job.dev.targets, layer.scores(job, dev_ND)) for layer in fitted]))]


@dataclass(frozen=True, slots=True)
class _Rows:
    """The training rows, and after them the texts that describe the labels."""

    encoded: Encoded
    classes_M: NDArray[np.int64]
    num_rows: int
    """N: how many of them are training rows."""


def _with_labels(training: EncoderTraining, texts: Sequence[Sequence[str]]) -> _Rows:
    job = training.job
    flat = [text for of_label in texts for text in of_label]
    added = job.task.encode({"text": flat}, training.tokenizer, training.max_tokens)
    classes = np.repeat(np.arange(len(texts)), [len(of_label) for of_label in texts])
    return _Rows(
        Encoded([*training.train.ids, *added.ids], np.concatenate([training.train.truncated_N, added.truncated_N])),
        np.concatenate([job.train.targets, classes]).astype(np.int64),
        len(job.train),
    )


def _tokens(step: Sequence[Batch]) -> int:
    """Return the padded tokens of a step."""
    return sum(batch.ids_BT.numel() for batch in step)


class _Steps:
    """Which rows make which step; it follows from the rows and the seed, so that a continued run finds its place."""

    def __init__(self, training: EncoderTraining, rows: _Rows, rows_per_class: int, budget: Budget) -> None:
        self.training, self.rows, self.rows_per_class, self.budget = training, rows, rows_per_class, budget
        # A step is meant to lie in memory as a whole: twice the budget at most. If it does not, gradients are cached.
        self.lengths_M = np.asarray([len(ids) for ids in rows.encoded.ids], dtype=np.int64)
        longest = int(self.lengths_M.max())
        options = training.job.options
        self.rows_per_step = max(min(options.rows_per_step, 2 * budget.first // longest), 2 * rows_per_class)
        self.per_epoch = len(self._epoch(0))

    def batches(self, first: int, stop: int) -> Iterator[Sequence[Batch]]:
        """Yield the batches of the steps `first` to `stop - 1`."""
        for number in range(first, stop):
            epoch, place = divmod(number, self.per_epoch)
            if place == 0 or number == first:
                steps = self._epoch(epoch)
            self._at_hand = steps[place]
            yield self._step(self._at_hand, number)

    def smaller(self, step: int, batches: Sequence[Batch]) -> Sequence[Batch]:
        """Return the rows of a step that ran out of memory in smaller passes, whose gradients are cached."""
        self._halve(step, batches, step)
        return self._step(self._at_hand, step)

    def foretold(self, num_steps: int, optimizer: torch.optim.Optimizer, *, bf16: bool) -> int:
        """Return the number of steps that `minutes` allow, and say what they will take."""
        training = self.training

        def measure() -> Forecast:
            # Their classes are drawn, not their lengths: a step of middle length stands for all.
            sample, wrapped = self._sample(), training.regularized
            trial = Trial([sample[len(sample) // 2]], largest=sample[-1][0], num_shapes=self._num_shapes())
            return forecast(training.model, trial, wrapped.loss, bf16=bf16, **wrapped.foretold)

        measured = tried(training, measure, lambda: self._halve(0, self._sample()[-1], None))
        return self._announced(measured, optimizer, num_steps)

    def _num_shapes(self) -> int:
        """Return the distinct shapes of the passes of the first epoch's first steps."""
        lengths = [self.lengths_M[part] for rows in self._epoch(0)[:MOST_SHAPES] for part in self._parts(rows, 0)]
        return len({(len(own), int(own.max())) for own in lengths})

    @contextlib.contextmanager
    def foretelling(self, num_steps: int, optimizer: torch.optim.Optimizer) -> Iterator[None]:
        """Say what a short run will take when the gradients of its first step are there, which are made inside."""
        training, wrapped = self.training, self.training.regularized
        first_tokens = _tokens(self._step(self._epoch(0)[0], 0))
        with measuring(training.device) as measured:
            yield
        told = forecast_of(
            training.model,
            measured.seconds * float(np.mean([_tokens(step) for step in self._sample()])) / first_tokens,
            measured,
            copies=wrapped.copies,
            averaged=wrapped.average is not None,
            passes_bytes=wrapped.passes * activation_bytes(training.model, first_tokens),
        )
        self._announced(told, optimizer, num_steps)

    def _sample(self) -> list[Sequence[Batch]]:
        """Return some steps of the first epoch, the shortest first."""
        return sorted((self._step(rows, 0) for rows in self._epoch(0)[:_SAMPLED]), key=_tokens)

    def _announced(self, measured: Forecast, optimizer: torch.optim.Optimizer, num_steps: int) -> int:
        of_run = {"num_steps": num_steps, "per_epoch": self.per_epoch, "num_rows": self.rows.num_rows}
        return announced(self.training.job, self._whole(measured), optimizer, **of_run)

    def _halve(self, step: int, batches: Sequence[Batch], told: int | None) -> None:
        budget = self.budget.halve_compared(step, batches, may_cache=self.training.regularized.is_cacheable)
        self.training.job.say(told_of(budget, told))

    def _whole(self, measured: Forecast) -> Forecast:
        """Add what follows the last step: rows are read again, for the head and for the artifact's sample."""
        job = self.training.job
        num_rows, num_dev = self.rows.num_rows, len(job.dev) if job.dev is not None else 0
        row_s = measured.step_s / 3 * self.per_epoch / num_rows  # without gradients, which take two thirds of a step
        read_again = num_rows + 2 * num_dev + min(num_dev or num_rows, NUM_REFERENCE)
        return replace(measured, end_s=END_S + row_s * read_again)

    def _epoch(self, epoch: int) -> list[NDArray[np.int64]]:
        return class_steps(
            self.rows.classes_M[: self.rows.num_rows],
            rows_per_step=self.rows_per_step,
            rows_per_class=self.rows_per_class,
            seed=self.training.job.seed,
            epoch=epoch,
        )

    def _step(self, rows: NDArray[np.int64], number: int) -> Sequence[Batch]:
        """Return the batches of a step, counted from 0: rows with the texts that describe their labels."""
        parts = [self._part(part) for part in self._parts(rows, number)]
        return compared(parts, cached=self.budget.is_halved(number))

    def _parts(self, rows: NDArray[np.int64], number: int) -> list[NDArray[np.int64]]:
        """Return rows and the texts that describe their labels, cut into passes."""
        classes_M, num_rows = self.rows.classes_M, self.rows.num_rows
        texts = num_rows + np.flatnonzero(np.isin(classes_M[num_rows:], classes_M[rows]))
        chosen = np.concatenate([rows, texts])
        if self.budget.is_halved(number):
            cut = length_batches(self.lengths_M[chosen], self.budget.at(number), max_rows=len(chosen))
        else:
            cut = cheapest_parts(self.lengths_M[chosen], _PASS_TOKENS[self.training.device])
        return [chosen[part] for part in cut]

    def _part(self, rows: NDArray[np.int64]) -> Batch:
        return make_batch(
            [self.rows.encoded.ids[row] for row in rows],
            self.training.pad_id,
            targets=self.rows.classes_M[rows],
            device=self.training.device,
        )
