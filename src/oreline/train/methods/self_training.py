"""Self-training: a model labels rows without labels where it is sure enough, and a new one learns from them too.

Shape suffixes: N rows, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from oreline import registry
from oreline.data.fold import row_hashes
from oreline.errors import DataError, UsageError
from oreline.train.calibrate import cooled, temperature, thresholds
from oreline.train.forecasts import of_many
from oreline.train.inner import SOFT, Inner, inner, remember, remembered
from oreline.train.job import Job, Outcome, Rows
from oreline.types import Event

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST_DEV_ROWS = 10
"""Dev rows that a class's threshold needs behind it."""


@dataclass(frozen=True, slots=True)
class _Labelled:
    """Rows that a model has labelled: which of the unlabelled ones, and how."""

    rows_N: NDArray[np.int64]
    answers_N: NDArray[np.int64]
    scores_NK: NDArray[np.float32]


class Method:
    """Pseudo-labels on rows without labels, only of classes and scores that are right often enough on dev.

    In each round a model is trained, its temperature is set on dev, and for each class the lowest score is found at and
    above which its answers on dev have the wanted precision. Unlabelled rows at or above their class's threshold join
    the training rows, and a new model is trained from the start model. Of all rounds, the one without pseudo-labels
    included, the model that is best on dev is kept. A row whose text is in dev, test or train is never used.

    The rows without labels are the data's split `unlabelled`: those of the same source (`refine --keep-unlabelled`), or
    of a file of its own (`refine train=FILE unlabelled=FILE`).

    Args:
        method: how each model is trained: `full`, `head`, `linear`, or an adapter's name; `method_options` are its
            keyword arguments.
        rounds: how often rows are labelled and a new model is trained.
        precision: share of right answers that a threshold has to reach on dev, above 0 and up to 1.
        soft: learn from the calibrated probabilities, not from the labels (`full` and adapters).
        most: the number of pseudo-labels of one class, at most, the surest first; as many as it has labels when not
            set, times 10.

    Source: Lee, Pseudo-Label, ICML workshop 2013; thresholds by class: Zhang et al., FlexMatch, NeurIPS 2021
    (arXiv:2110.08263).
    """

    runtime = "torch"
    reads_more = True
    weighs = True

    def __init__(
        self,
        *,
        method: str = "full",
        method_options: Mapping[str, Any] | None = None,
        rounds: int = 1,
        precision: float = 0.95,
        soft: bool = False,
        most: int | None = None,
    ) -> None:
        if rounds < 1 or not 0 < precision <= 1 or (most is not None and most < 1):
            raise UsageError(
                f"rounds={rounds}, precision={precision}, most={most}",
                allowed="rounds and most from 1, precision above 0 and up to 1",
            )
        self.method, self.method_options = method, method_options
        self.rounds, self.precision, self.soft, self.most = rounds, precision, soft, most
        if method == "linear":
            self.runtime = "linear"

    def train(self, job: Job) -> Outcome:
        """Train, label and train again; `job.dev` sets the thresholds and chooses among the rounds."""
        made = inner(job, "self_training", self.method, self.method_options or {})
        if self.soft and made.name not in SOFT:
            raise UsageError(
                f"soft labels cannot be learnt by {self.method!r}",
                allowed="full, or an adapter",
                remedy="leave method_options.soft out, or --set method_options.method=full",
            )
        if job.dev is None:
            raise UsageError(
                "self_training needs dev rows, on which its thresholds are set",
                remedy="refine with a dev split: --set 'split={train: 0.8, dev: 0.1, test: 0.1}'",
            )
        unlabelled, hashes_N = self._unlabelled(job)
        rows, resolved = job.train, dict[str, Any]()
        most = min(len(hashes_N), self.most * len(job.task.labels) if self.most else 10 * len(job.train))
        trainings = 1 + self.rounds * (1 + most / len(job.train))

        def told(event: Event) -> Event:
            return of_many(event, trainings, ", if the model comes to be sure of every row without a label")

        tried: list[tuple[float, int, Outcome, NDArray[np.uint64]]] = []
        used_N = np.zeros(0, np.uint64)
        for number in range(self.rounds + 1):
            outcome = made.train(rows, f"round-{number}", told=told if not number else lambda event: event)
            resolved[f"round-{number}"] = dict(outcome.resolved)
            tried.append((_aim(job, outcome), number, outcome, used_N))
            if number == self.rounds:
                break
            labelled = self._label(made, outcome, unlabelled, number)
            if not len(labelled.rows_N):
                job.say(f"round {number + 1}: the model is sure enough of no row; nothing more is learnt")
                break
            rows, used_N = self._joined(job, unlabelled, labelled), hashes_N[labelled.rows_N]
        _, best, outcome, used_N = max(tried, key=lambda entry: (entry[0], -entry[1]))
        kept = f"of round {best} of {tried[-1][1]}" if best else "without pseudo-labels"
        job.say(f"kept the model {kept}, the best on dev")
        counts = {"kept_round": best, "pseudo_labels": len(used_N), "unlabelled": len(hashes_N)}
        measured = {**outcome.measurements, **counts}
        return replace(
            outcome, measurements=measured, resolved={**resolved[f"round-{best}"], "inner": resolved}, more_rows=used_N
        )

    def _unlabelled(self, job: Job) -> tuple[dict[str, list[str]], NDArray[np.uint64]]:
        """Return the unlabelled rows' inputs and their hashes, each text once, without those of any split."""
        if job.unlabelled is None:
            raise UsageError(
                "self_training needs rows without labels, and the data have no split 'unlabelled'",
                remedy="refine with --keep-unlabelled, or give a file: oreline refine train=FILE unlabelled=FILE",
            )
        roles = list(job.task.inputs)
        found = pl.DataFrame({role: job.unlabelled[role] for role in roles})
        hashes_N = row_hashes(found, roles)
        trained_N = row_hashes(pl.DataFrame({role: job.train.columns[role] for role in roles}), roles)
        known = np.concatenate([trained_N, job.held_out if job.held_out is not None else np.zeros(0, np.uint64)])
        first_N = np.zeros(len(hashes_N), bool)
        first_N[np.unique(hashes_N, return_index=True)[1]] = True
        kept_N = first_N & ~np.isin(hashes_N, known)
        job.say(
            f"{found.height:,} rows without labels: {int(kept_N.sum()):,} are used, "
            f"{int((~kept_N).sum()):,} repeat one another or a row of the data"
        )
        if not kept_N.any():
            raise DataError("no unlabelled row is left", remedy="give rows that are not in the other splits")
        found = found.filter(pl.Series(kept_N))
        return {role: found[role].to_list() for role in roles}, hashes_N[kept_N]

    def _label(self, made: Inner, outcome: Outcome, columns: Mapping[str, list[str]], number: int) -> _Labelled:
        """Return the rows that a model is sure enough of; what was labelled before a kill is not labelled again."""
        job, file = made.job, made.job.work.folder / f"labels-{number}.npz"
        if known := remembered(file):
            return _Labelled(known["rows"], known["answers"], known["scores"])
        if job.dev is None or outcome.dev_outputs is None:
            raise ValueError("there are no dev answers to calibrate on")
        dev_NK = np.asarray(outcome.dev_outputs["scores"])
        degree = temperature(dev_NK, job.dev.targets)
        bounds_K = thresholds(cooled(dev_NK, degree), job.dev.targets, precision=self.precision, fewest=FEWEST_DEV_ROWS)
        scores_NK = cooled(made.scores(outcome, columns, f"round-{number}"), degree)
        answers_N = scores_NK.argmax(axis=1)
        sure_N = scores_NK.max(axis=1)
        chosen = []
        for label, bound in enumerate(bounds_K):
            rows_N = np.flatnonzero((answers_N == label) & (sure_N >= bound))
            most = self.most or 10 * max(int((job.train.targets == label).sum()), 1)
            chosen.append(rows_N[np.argsort(-sure_N[rows_N], kind="stable")][:most])
        taken_N = np.sort(np.concatenate(chosen))
        self._say(job, number, degree, bounds_K, answers_N[taken_N])
        remember(file, rows=taken_N, answers=answers_N[taken_N], scores=scores_NK[taken_N].astype(np.float32))
        return _Labelled(taken_N, answers_N[taken_N], scores_NK[taken_N].astype(np.float32))

    def _say(
        self, job: Job, number: int, degree: float, bounds_K: NDArray[np.float64], answers_N: NDArray[np.int64]
    ) -> None:
        counts_K = np.bincount(answers_N, minlength=len(job.task.labels))
        parts = [
            f"{label} {count:,} (from {bound:.2f})" if np.isfinite(bound) else f"{label} none"
            for label, count, bound in zip(job.task.labels[:20], counts_K, bounds_K)
        ]
        job.say(f"round {number + 1}: {len(answers_N):,} pseudo-labels, temperature {degree:.2f}: {', '.join(parts)}")

    def _joined(self, job: Job, columns: Mapping[str, list[str]], labelled: _Labelled) -> Rows:
        """Return the labelled rows with the pseudo-labelled ones behind them."""
        both = {role: [*job.train.columns[role], *(columns[role][row] for row in labelled.rows_N)] for role in columns}
        targets_N = np.concatenate([job.train.targets, labelled.answers_N])
        given_N = job.train.weights_N
        # A pseudo-label counts as the mean row does.
        weights_N = np.pad(given_N, (0, len(labelled.rows_N)), constant_values=1) if given_N is not None else None
        if not self.soft:
            return Rows(both, targets_N, weights_N=weights_N)
        labels_NK = np.eye(len(job.task.labels), dtype=np.float32)[job.train.targets]
        return Rows(both, targets_N, np.concatenate([labels_NK, labelled.scores_NK]), weights_N)


def _aim(job: Job, outcome: Outcome) -> float:
    """Return the figure on dev that rounds are compared by; more is better."""
    if job.dev is None or outcome.dev_outputs is None:
        return 0.0
    first = job.task.metrics[0]
    sign = 1.0 if registry.get("metric", first).higher_is_better else -1.0
    return sign * job.score(job.task, job.dev.targets, outcome.dev_outputs).get(first, -sign * np.inf)
