"""Train k models, each without one fold, and one model on what they say of the rows they did not see.

Shape suffixes: N rows, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from oreline import store
from oreline.errors import DataError, UsageError
from oreline.train.inner import SOFT, Inner, inner, part_of, remember, remembered
from oreline.train.job import Job, Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

OUT_OF_FOLD = "out_of_fold.parquet"


class Method:
    """A k-fold ensemble in one model: it learns from each row's label and from what models without the row say of it.

    In each of `repeats` rounds the training rows are divided into `folds` parts, every class evenly; k models are
    trained, each without one part, and answer it. A row's answers are averaged over the rounds. The model that is
    written is trained on all rows with the targets `(1 - mix) label + mix answers`, so that it is as small and as fast
    as one model. The answers lie beside it in `out_of_fold.parquet`: they show labels that the other rows contradict.

    Args:
        method: how the models and the written one are trained: `full`, or an adapter's name; `method_options` are its
            keyword arguments.
        folds: k.
        repeats: rounds, each with other folds.
        mix: how much the answers count beside the labels, 0 to 1.

    Source: Hinton et al., Distilling the Knowledge in a Neural Network, 2015 (arXiv:1503.02531); out of fold, as
    stacking is: Wolpert, Stacked generalization, Neural Networks 5, 1992.
    """

    runtime = "torch"

    def __init__(
        self,
        *,
        method: str = "full",
        method_options: Mapping[str, Any] | None = None,
        folds: int = 5,
        repeats: int = 1,
        mix: float = 0.5,
    ) -> None:
        if folds < 2 or repeats < 1 or not 0 <= mix <= 1:
            raise UsageError(
                f"folds={folds}, repeats={repeats}, mix={mix}", allowed="folds from 2, repeats from 1, mix from 0 to 1"
            )
        self.method, self.method_options = method, method_options
        self.folds, self.repeats, self.mix = folds, repeats, mix

    def train(self, job: Job) -> Outcome:
        """Train the models of the folds, then the one that is kept, choosing on `job.dev`."""
        made = inner(job, "k_fold", self.method, self.method_options or {})
        if made.name not in SOFT:
            raise UsageError(f"k_fold cannot teach by {self.method!r}", allowed="full, or an adapter such as lora")
        fewest = int(np.bincount(job.train.targets, minlength=len(job.task.labels)).min())
        if fewest < 2:
            raise DataError(
                f"a class has {fewest} training rows: a model without them would not know it",
                allowed="at least 2 rows of each class",
                remedy="drop the class, or use the method full",
            )
        resolved: dict[str, Any] = {}
        answers_NK = np.mean([self._round(made, number, resolved) for number in range(self.repeats)], axis=0)
        figures = job.score(job.task, job.train.targets, {"scores": answers_NK.astype(np.float32)})
        first = job.task.metrics[0]
        job.say(f"out of fold, {first} is {figures[first]:.4f} over {len(job.train):,} training rows")
        labels_NK = np.eye(len(job.task.labels), dtype=np.float32)[job.train.targets]
        soft_NK = ((1 - self.mix) * labels_NK + self.mix * answers_NK).astype(np.float32)
        outcome = made.train(replace(job.train, soft_NK=soft_NK), "student")
        resolved["student"] = dict(outcome.resolved)
        frame = _as_frame(job, answers_NK)

        def save(folder: Path) -> None:
            outcome.save(folder)
            frame.write_parquet(folder / OUT_OF_FOLD)

        measured = {**outcome.measurements, f"out_of_fold_{first}": round(figures[first], 4)}
        return replace(outcome, save=save, measurements=measured, resolved={**resolved["student"], "inner": resolved})

    def _round(self, made: Inner, number: int, resolved: dict[str, Any]) -> NDArray[np.float64]:
        """Return what the models of one round say of the rows they did not see, (N, K)."""
        job = made.job
        fold_N = folds_of(job.train.targets, self.folds, seed=job.seed + number)
        answers_NK = np.zeros((len(job.train), len(job.task.labels)))
        for fold in range(self.folds):
            place = f"round-{number + 1}-fold-{fold + 1}"
            file = job.work.folder / f"{place}.npz"
            left_out_N, kept_N = np.flatnonzero(fold_N == fold), np.flatnonzero(fold_N != fold)
            if not len(left_out_N):
                continue
            known = remembered(file)
            if not known:
                job.say(f"round {number + 1}, without fold {fold + 1} of {self.folds}: {len(kept_N):,} rows")
                outcome = made.train(part_of(job.train, kept_N), place)
                scores_NK = made.scores(outcome, part_of(job.train, left_out_N).columns, place)
                store.write_json(file.with_suffix(".json"), dict(outcome.resolved))
                remember(file, scores=scores_NK)
                known = {"scores": scores_NK}
            resolved[place] = job.work.read(f"{place}.json")
            answers_NK[left_out_N] = known["scores"]
        return answers_NK


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
