"""The trials of a search: each runs the steps its model is made of, and is judged by the model's figure on dev.

Outputs lie in `OUT/steps/`, named by what they are made from, so that trials share a dataset; of models only the best
one's is kept.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from oreline import store
from oreline.api import run as running
from oreline.api import search_space
from oreline.api.study import Search
from oreline.api.tuned import Tuned
from oreline.errors import OrelineError, ResourceError, UsageError
from oreline.recipe import TrainOptions
from oreline.store import Artifact
from oreline.types import Event, OnEvent

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, Trial

BEST = "best.yaml"
MAX_FAILURES = 3
"""Trials in a row that may fail before the search ends with their reason."""
PINNED = ("token_budget", "precision", "threads")
"""What training resolves on the machine and the best recipe states, so that it is probed no more."""


class PrunedError(Exception):
    """A trial is behind the others."""


class BudgetError(Exception):
    """The minutes are spent."""


@dataclass(slots=True)
class Budget:
    """Minutes that are spent, those of earlier tries included."""

    minutes: float | None
    spent_s: float = 0.0
    begun: float = field(default_factory=time.monotonic)
    may_end: bool = False
    """Whether a trial may be cut off: not before one is complete, or there would be nothing to show."""

    @property
    def left_s(self) -> float:
        """Seconds left; infinite without a budget."""
        used = self.spent_s + time.monotonic() - self.begun
        return float("inf") if self.minutes is None else self.minutes * 60 - used

    @property
    def is_over(self) -> bool:
        """Whether trials are to end."""
        return self.may_end and self.left_s <= 0


@dataclass(slots=True)
class Watch:
    """Watches a trial in training: hands its dev figures to the pruner, and ends it when it is told to."""

    found: Search
    trial: Trial
    metric: str
    budget: Budget
    on_event: OnEvent
    num_evaluations: float = 1.0
    """Of dev, in the whole training: the place of a figure is its number among them."""
    begun: float = field(default_factory=time.monotonic)
    before_s: float = 0.0
    """What earlier tries at this trial took."""

    def __post_init__(self) -> None:
        """Take over what an interrupted trial took."""
        self.before_s = float(self.trial.user_attrs.get("seconds", 0.0))

    def passing(self, event: Event) -> None:
        """Pass an event of a step before the judged one on. Raises `BudgetError` when the minutes are spent."""
        self.on_event(event)
        if self.budget.is_over:
            self.spend()
            raise BudgetError

    def judging(self, event: Event) -> None:
        """Pass an event of the judged step on. Raises `PrunedError` when its dev figures are behind the others'."""
        figure = event.values.get(f"dev_{self.metric}")
        if figure is not None and event.total:
            # A training that was continued counts its evaluations as an uninterrupted one does.
            place = max(round(event.step / event.total * self.num_evaluations), 1)
            if place not in self.found.trials[self.trial.number].intermediate_values:
                self.trial.report(figure, place)
            self.spend()
            if self.trial.should_prune():
                self.on_event(event)
                raise PrunedError
        self.passing(event)

    def spend(self) -> None:
        """Record how long the trial has taken."""
        self.trial.set_user_attr("seconds", round(self.before_s + time.monotonic() - self.begun, 2))


def spent_s(found: Search) -> float:
    """Return the seconds that a search has taken so far."""
    noted = [found.facts.get("given", {}), *(trial.user_attrs for trial in found.trials)]
    return sum(float(one.get("seconds", 0.0)) for one in noted)


def search(tuned: Tuned, found: Search, num_trials: int, budget: Budget, on_event: OnEvent) -> None:
    """Run trials until there are enough or the minutes are spent.

    Raises:
        UsageError: there are no dev rows to judge by.
        OrelineError: trial after trial failed; the last one's reason.
    """
    if "given" not in found.facts:
        _measure_given(tuned, found, on_event)
    failed_in_a_row = 0
    while sum(trial.state.is_finished() for trial in found.trials) < num_trials:
        budget.may_end = found.best() is not None
        if budget.is_over or _cannot_end(found, budget):
            on_event(Event("tune", message=f"the {budget.minutes:g} minutes are spent"))
            return
        trial, values = found.next()
        said = ", ".join(f"{key.partition('.')[2]} {_short(value)}" for key, value in values.items())
        on_event(Event("tune", trial.number + 1, num_trials, message=f"[{trial.number + 1}/{num_trials}] {said}"))
        try:
            reason = _try(tuned, found, values, Watch(found, trial, tuned.metric, budget, on_event))
        except BudgetError:
            on_event(Event("tune", message=f"the {budget.minutes:g} minutes are spent; with more, this trial goes on"))
            return
        failed_in_a_row = failed_in_a_row + 1 if reason is not None else 0
        if reason is not None and failed_in_a_row >= MAX_FAILURES:
            raise OrelineError(
                f"{failed_in_a_row} trials in a row failed, the last one with: {reason}",
                where=str(tuned.folder),
                remedy="narrow what is searched; the same command continues",
            )


def _cannot_end(found: Search, budget: Budget) -> bool:
    """Whether a new trial would hardly end in time: fewer seconds are left than half of the trials took."""
    taken = sorted(float(t.user_attrs.get("seconds", 0.0)) for t in found.trials if t.state.name == "COMPLETE")
    is_begun = any(trial.state.name == "RUNNING" for trial in found.trials)
    return bool(taken) and not is_begun and budget.left_s < taken[len(taken) // 2]


def _measure_given(tuned: Tuned, found: Search, on_event: OnEvent) -> None:
    """Train with the recipe as it stands, so that the gain of searching is known."""
    on_event(Event("tune", message="the recipe as it stands"))
    begun = time.monotonic()
    try:
        items = tuned.steps({})
        noted = {"estimate": _estimate(tuned, _model_of(tuned, items, on_event, on_event)), "key": items[-1].key}
    except (UsageError, ResourceError):
        raise
    except OrelineError as error:
        noted = {"reason": error.what}
        on_event(Event("tune", message=f"the recipe as it stands fails: {error.what}"))
    found.note("given", {**noted, "seconds": round(time.monotonic() - begun, 2)})


def _model_of(tuned: Tuned, items: Sequence[running.Planned], passing: OnEvent, judging: OnEvent) -> Artifact:
    """Run the steps that are not done yet and return the judged model."""
    for item in items:
        if not running.is_finished(item, {item.step.name: {"key": item.key}}):
            running.execute(item, tuned.read.seed, judging if item is items[-1] else passing)
    return Artifact.open(items[-1].out)


def _estimate(tuned: Tuned, artifact: Artifact) -> dict[str, Any]:
    if tuned.metric not in artifact.manifest.metrics:
        raise UsageError(
            f"the model has no {tuned.metric} on dev: there are no dev rows to judge trials by",
            where=f"{tuned.read.source}, step {tuned.target!r}",
            remedy="give the refine step a split with dev: split: {train: 0.8, dev: 0.1, test: 0.1}",
        )
    return dict(artifact.manifest.metrics[tuned.metric])


def _try(tuned: Tuned, found: Search, values: Mapping[str, Any], watch: Watch) -> str | None:
    """Run a trial and record how it ended; returns the reason where it failed."""
    trial, number = watch.trial, watch.trial.number + 1
    items: list[running.Planned] = []
    try:
        items = tuned.steps(values)
        trial.set_user_attr("key", items[-1].key)
        watch.num_evaluations = _num_evaluations(items[-1].step.options.get("train"))
        entry = _known(found, items[-1].key)
        entry = entry or _estimate(tuned, _model_of(tuned, items, watch.passing, watch.judging))
    except PrunedError:
        found.end(trial, "pruned")
        watch.on_event(Event("tune", message=f"trial {number}: stopped, behind the others"))
        _forget(items)
        return None
    except ResourceError:
        raise  # a full disk or a missing permission is no trial's fault, and no other trial would do better
    except (OrelineError, RuntimeError, ValueError, ArithmeticError) as error:
        reason = error.what if isinstance(error, OrelineError) else f"{type(error).__name__}: {error}"
        trial.set_user_attr("reason", reason)
        watch.spend()
        found.end(trial, "fail")
        watch.on_event(Event("tune", message=f"trial {number} failed: {reason}"))
        _forget(items)
        return reason
    trial.set_user_attr("estimate", entry)
    watch.spend()
    before = found.best()
    found.end(trial, "complete", float(entry["value"]))
    best = found.best()
    is_best = best is not None and (before is None or best.number != before.number)
    said = f"trial {number}: {tuned.metric} {entry['value']:.4f}" + (", the best so far" if is_best else "")
    watch.on_event(Event("tune", message=said))
    if best is not None:
        if is_best and not items[-1].out.exists():
            _model_of(tuned, items, watch.on_event, watch.on_event)  # known from a model that was not the best then
        _keep(tuned, found, best, is_new=is_best)
    return None


def _num_evaluations(train: TrainOptions | None) -> float:
    options = train or TrainOptions()
    return options.epochs * options.evaluations_per_epoch


def _known(found: Search, key: str) -> dict[str, Any] | None:
    """Return the estimate of a trial, or of the recipe as it stands, with the very same steps."""
    noted = [found.facts.get("given", {}), *(trial.user_attrs for trial in found.trials)]
    return next((dict(one["estimate"]) for one in noted if one.get("key") == key and one.get("estimate")), None)


def _keep(tuned: Tuned, found: Search, best: FrozenTrial, *, is_new: bool) -> None:
    """Write the best recipe where it is new, and delete the models of other trials."""
    if is_new:
        _write_best(tuned, found.values_of(best))
    for folder in (tuned.folder / "steps").glob(f"{tuned.target}-*"):
        if folder.name != f"{tuned.target}-{best.user_attrs['key'][:12]}":
            shutil.rmtree(folder)


def _write_best(tuned: Tuned, values: Mapping[str, Any]) -> None:
    """Write the complete recipe with the best values, and with what training resolved here."""
    pinned: dict[str, Any] = {}
    for item in tuned.steps(values):
        if item.step.verb in ("finetune", "pretrain") and item.out.exists():
            resolved = Artifact.open(item.out, verify=False).manifest.recipe.get("resolved", {})
            pinned |= {f"{item.step.name}.train.{name}": resolved[name] for name in PINNED if name in resolved}
    content = search_space.apply(tuned.content, {**pinned, **values})
    content |= {"name": f"{tuned.read.name}-best", "out": str(tuned.folder / "best")}
    store.write_text(tuned.folder / BEST, yaml.safe_dump(content, allow_unicode=True, sort_keys=False))


def _forget(items: Sequence[running.Planned]) -> None:
    """Delete the checkpoint of a trial without a result."""
    from oreline.train.workspace import Workspace

    if items:
        Workspace.beside(items[-1].out).remove()


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
