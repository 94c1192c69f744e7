"""Train k models, each without one fold, and make one of them: by teaching another, or by averaging.

Shape suffixes: N rows, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from oreline import registry, store
from oreline.errors import DataError, UsageError, did_you_mean
from oreline.models.base import is_ensemble, refuse_ensemble
from oreline.models.members import pack, unpack
from oreline.train.forecasts import of_many
from oreline.train.inner import SOFT, Inner, inner, part_of, remember, remembered
from oreline.train.job import Job, Outcome, named_method
from oreline.types import Event

if TYPE_CHECKING:
    from numpy.typing import NDArray

OUT_OF_FOLD = "out_of_fold.parquet"
OUTPUTS = ("distilled", "averaged")


class Method:
    """A k-fold ensemble: k models, each trained without one part of the rows, as one artifact.

    In each of `repeats` rounds the training rows are divided into `folds` parts, every class evenly; k models are
    trained, each without one part, and answer it. A row's answers are averaged over the rounds. They lie beside the
    model in `out_of_fold.parquet`: they show labels that the other rows contradict. Two things can come out:

    * `distilled`: one more model, trained on all rows with the targets `(1 - mix) label + mix answers`, as small and as
      fast as one model;
    * `averaged`: all k models in one folder; the probabilities of an answer are the mean of theirs. What they share
      (frozen layers, the base of adapters) is stored once and computed once, the rest takes k times as long. It is
      evaluated, explained, served and updated as every model; compressing and merging need one model.

    Args:
        method: how the models are trained: `full`, or an adapter's name, and for `averaged` also `head`;
            `method_options` are its keyword arguments.
        folds: k.
        repeats: rounds, each with other folds.
        output: `distilled` or `averaged`.
        mix: of `distilled`, how much the answers count beside the labels, 0 to 1.

    Source: Hinton et al., Distilling the Knowledge in a Neural Network, 2015 (arXiv:1503.02531); out of fold, as
    stacking is: Wolpert, Stacked generalization, Neural Networks 5, 1992; averages: Breiman, Bagging predictors,
    Machine Learning 24, 1996.
    """

    runtime = "torch"
    weighs = True

    def __init__(
        self,
        *,
        method: str = "full",
        method_options: Mapping[str, Any] | None = None,
        folds: int = 5,
        repeats: int = 1,
        output: str = "distilled",
        mix: float = 0.5,
    ) -> None:
        if folds < 2 or repeats < 1 or not 0 <= mix <= 1:
            raise UsageError(
                f"folds={folds}, repeats={repeats}, mix={mix}", allowed="folds from 2, repeats from 1, mix from 0 to 1"
            )
        if output not in OUTPUTS:
            raise UsageError(f"output={output!r}", allowed=did_you_mean(output, OUTPUTS))
        self.method, self.method_options = method, method_options
        self.folds, self.repeats, self.output, self.mix = folds, repeats, output, mix

    @property
    def learning_rate(self) -> float | None:
        """Return the usual rate of the method inside; None where it has none."""
        name, options = named_method(self.method, self.method_options or {})
        return getattr(registry.create("method", name, **options), "learning_rate", None)

    def train(self, job: Job) -> Outcome:
        """Train the models of the folds and make of them the one that is kept, choosing on `job.dev`."""
        made = inner(job, "k_fold", self.method, self.method_options or {})
        self._refuse(made)
        starts = self._starts(made)
        resolved: dict[str, Any] = {}
        answers_NK = np.mean([self._round(made, number, starts, resolved) for number in range(self.repeats)], axis=0)
        figures = job.score(job.task, job.train.targets, {"scores": answers_NK.astype(np.float32)})
        first = job.task.metrics[0]
        job.say(f"out of fold, {first} is {figures[first]:.4f} over {len(job.train):,} training rows")
        outcome = (
            _averaged(made, list(resolved), resolved)
            if self.output == "averaged"
            else self._distilled(made, answers_NK, resolved)
        )
        frame = _as_frame(job, answers_NK)

        def save(folder: Path) -> None:
            outcome.save(folder)
            frame.write_parquet(folder / OUT_OF_FOLD)

        measured = {**outcome.measurements, f"out_of_fold_{first}": round(figures[first], 4)}
        return replace(outcome, save=save, measurements=measured)

    def _refuse(self, made: Inner) -> None:
        """Raise where the method cannot be averaged or taught, or rows are too few to be left out."""
        able = SOFT if self.output == "distilled" else (*SOFT, "head")
        if made.name not in able:
            raise UsageError(
                f"k_fold with output={self.output} cannot train by {self.method!r}",
                allowed=("full, head" if "head" in able else "full") + ", or an adapter such as lora",
                remedy="--set method_options.method=full",
            )
        targets_N, num_labels = made.job.train.targets, len(made.job.task.labels)
        if self.folds > len(targets_N):
            raise UsageError(
                f"folds is {self.folds}, and there are {len(targets_N):,} training rows",
                allowed="at most one fold a row",
                remedy="--set method_options.folds=2, or more rows",
            )
        counts_K = np.bincount(targets_N, minlength=num_labels)
        if (fewest := int(counts_K.min())) < 2:
            rows = "1 training row" if fewest == 1 else "no training row"
            raise DataError(
                f"the class {made.job.task.labels[int(counts_K.argmin())]!r} has {rows}: a model without it would not "
                "know the class",
                allowed="at least 2 rows of each class",
                remedy="add rows of it, leave it out, or use the method full",
            )

    def _places(self, number: int) -> list[str]:
        return [f"round-{number + 1}-fold-{fold + 1}" for fold in range(self.folds)]

    def _starts(self, made: Inner) -> dict[str, Path]:
        """Return the start model of each place, where an ensemble is trained on: each of its models goes on alone."""
        job = made.job
        if job.start is None or not is_ensemble(job.start):
            return {}
        if self.output != "averaged":
            refuse_ensemble(job.start)
        places = [place for number in range(self.repeats) for place in self._places(number)]
        starts = {place: job.work.folder / "starts" / place for place in places}
        unpack(job.task, job.start, list(starts.values()))
        return starts

    def _round(
        self, made: Inner, number: int, starts: Mapping[str, Path], resolved: dict[str, Any]
    ) -> NDArray[np.float64]:
        """Return what the models of one round say of the rows they did not see, (N, K)."""
        job = made.job
        fold_N = folds_of(job.train.targets, self.folds, seed=job.seed + number)
        answers_NK = np.zeros((len(job.train), len(job.task.labels)))
        for fold, place in enumerate(self._places(number)):
            file = job.work.folder / f"{place}.npz"
            left_out_N, kept_N = np.flatnonzero(fold_N == fold), np.flatnonzero(fold_N != fold)
            if not len(left_out_N):
                continue
            known = remembered(file)
            if not known:
                job.say(f"round {number + 1}, without fold {fold + 1} of {self.folds}: {len(kept_N):,} rows")
                told = self._told if not resolved else lambda event: event
                outcome = made.train(part_of(job.train, kept_N), place, start=starts.get(place), told=told)
                scores_NK = made.scores(outcome, part_of(job.train, left_out_N).columns, place)
                store.write_json(file.with_suffix(".json"), dict(outcome.resolved))
                remember(file, scores=scores_NK)
                known = {"scores": scores_NK}
            resolved[place] = job.work.read(f"{place}.json")
            answers_NK[left_out_N] = known["scores"]
        return answers_NK

    def _told(self, event: Event) -> Event:
        """Say the forecast of the first fold for all models: the distilled one has the rows of every fold."""
        student = self.folds / (self.folds - 1) if self.output == "distilled" else 0.0
        return of_many(event, self.folds * self.repeats + student)

    def _distilled(self, made: Inner, answers_NK: NDArray[np.float64], resolved: dict[str, Any]) -> Outcome:
        """Train the one model that learns from labels and answers."""
        rows = made.job.train
        labels_NK = np.eye(len(made.job.task.labels), dtype=np.float32)[rows.targets]
        soft_NK = ((1 - self.mix) * labels_NK + self.mix * answers_NK).astype(np.float32)
        outcome = made.train(replace(rows, soft_NK=soft_NK), "student")
        resolved["student"] = dict(outcome.resolved)
        return replace(outcome, resolved={**resolved["student"], "inner": resolved})


def _averaged(made: Inner, places: Sequence[str], resolved: Mapping[str, Any]) -> Outcome:
    """Return all models as one; dev is answered by the ensemble as it will be opened."""
    folders = [made.model_folder(place) for place in places]

    def save(folder: Path) -> None:
        pack(made.job.task, folders, folder)

    outcome = Outcome(
        save=save,
        max_tokens=store.read_manifest(folders[0]).max_tokens,
        dev_outputs=None,
        resolved={**resolved[places[0]], "inner": resolved},
        measurements={"members": len(folders)},
    )
    if made.job.dev is None:
        return outcome
    return replace(outcome, dev_outputs={"scores": made.scores(outcome, made.job.dev.columns, "ensemble")})


def folds_of(targets_N: NDArray[np.int64], folds: int, *, seed: int) -> NDArray[np.int64]:
    """Return the fold of each row: every class is spread evenly, in an order that the seed shuffles.

    >>> np.bincount(folds_of(np.array([0] * 7 + [1] * 5), 3, seed=0)).tolist()
    [4, 4, 4]
    """
    order_N = np.random.default_rng(seed).permutation(len(targets_N))
    by_class_N = order_N[np.argsort(targets_N[order_N], kind="stable")]
    fold_N = np.empty(len(targets_N), np.int64)
    fold_N[by_class_N] = np.arange(len(targets_N)) % folds
    return fold_N


def _as_frame(job: Job, answers_NK: NDArray[np.float64]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "row": np.arange(1, len(job.train) + 1),
            "label": job.task.names(job.train.targets),
            "answer": job.task.names(job.task.predicted(answers_NK)),
            "scores": answers_NK.astype(np.float32).tolist(),
        },
        schema_overrides={"scores": pl.List(pl.Float32)},
    )
