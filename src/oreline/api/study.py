"""A search with Optuna, kept in a journal: one JSON line for each change, no pickle, so that a kill loses no trial.

The sampler of each trial is seeded by the search's seed and the trial's number, and what a trial needs besides is in
the journal: a search that was interrupted goes on as it would have gone.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline.api.search_space import Dimension
from oreline.errors import DataError, ResourceError, UsageError
from oreline.store import translating

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna.trial import FrozenTrial, Trial

JOURNAL = "trials.jsonl"
PRUNERS = ("median", "hyperband", "none")
NUM_RANDOM = 5
"""Trials drawn at random before the sampler models what it has seen."""
_NAME = "tune"
LOCK = "tune.lock"


@dataclass(frozen=True, slots=True)
class Search:
    """An opened study and what is searched in it."""

    study: OptunaStudy
    space: Sequence[Dimension]
    seed: int

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials so far, in order."""
        return self.study.get_trials(deepcopy=False)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was noted about the search as a whole."""
        return self.study.user_attrs

    def note(self, name: str, value: Any) -> None:
        """Note something about the search, JSON-ready."""
        self.study.set_user_attr(name, value)

    def next(self) -> tuple[Trial, dict[str, Any]]:
        """Return the trial that was interrupted, or a new one, and its values by key."""
        from optuna.trial import Trial, TrialState

        begun = [trial for trial in self.trials if trial.state == TrialState.RUNNING]
        number = begun[0].number if begun else len(self.trials)
        self.study.sampler = _sampler(self.seed, number)
        trial = Trial(self.study, begun[0]._trial_id) if begun else self.study.ask()
        return trial, _values(trial, self.space)

    def end(self, trial: Trial, state: str, value: float | None = None) -> None:
        """Record how a trial ended: `complete`, `pruned` or `fail`."""
        from optuna.trial import TrialState

        self.study.tell(trial, value, state=TrialState[state.upper()])

    def best(self) -> FrozenTrial | None:
        """Return the best complete trial, of equal ones the first; None before one is complete."""
        done = [trial for trial in self.trials if trial.state.name == "COMPLETE"]
        sign = -1.0 if self.study.direction.name == "MAXIMIZE" else 1.0
        return min(done, key=lambda trial: sign * float(trial.value or 0.0)) if done else None

    def is_better(self, figure: float, other: float) -> bool:
        """Whether a figure is better than another."""
        return figure > other if self.study.direction.name == "MAXIMIZE" else figure < other

    def values_of(self, trial: FrozenTrial) -> dict[str, Any]:
        """Return a trial's values by key, as the recipe takes them."""
        named = {dimension.key: dimension.names for dimension in self.space}
        return {key: named[key].get(value, value) if named[key] else value for key, value in trial.params.items()}

    def importance(self) -> dict[str, float]:
        """Return the share of the figure's variance that each key explains, by functional ANOVA over a forest.

        Empty where too few trials are complete, or all figures are the same.

        Source: Hutter, Hoos & Leyton-Brown, An Efficient Approach for Assessing Hyperparameter Importance, ICML 2014.
        """
        from optuna.importance import FanovaImportanceEvaluator, get_param_importances

        done = [trial for trial in self.trials if trial.state.name == "COMPLETE"]
        if len(done) < 2 * NUM_RANDOM or len({trial.value for trial in done}) < 2:
            return {}
        if not any(all(d.key in trial.params for trial in done) for d in self.space):
            return {}
        found = get_param_importances(self.study, evaluator=FanovaImportanceEvaluator(seed=self.seed))
        return {key: float(share) for key, share in found.items()}


def open_search(
    folder: Path, space: Sequence[Dimension], identity: Mapping[str, Any], *, maximize: bool, pruner: str, seed: int
) -> Search:
    """Open the search of a folder, or begin it.

    Args:
        folder: where the journal lies.
        space: what is searched.
        identity: what makes this search this search, JSON-ready: a journal of another one is refused.
        maximize: whether more of the figure is better.
        pruner: `median`, `hyperband` or `none`.
        seed: of the sampler.

    Raises:
        UsageError: the folder holds another search, or an unknown pruner.
        DataError: the journal cannot be read.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    file = folder / JOURNAL
    with translating(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _mend(file)
    try:
        storage = JournalStorage(JournalFileBackend(str(file)))
        study = optuna.create_study(
            storage=storage,
            study_name=_NAME,
            direction="maximize" if maximize else "minimize",
            pruner=_pruner(pruner),
            load_if_exists=True,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            "the journal of this search cannot be read",
            where=str(file),
            remedy="choose another --out, or add --force to search anew",
        ) from error
    described = json.loads(json.dumps(identity, sort_keys=True))
    if (known := study.user_attrs.get("identity")) not in (None, described):
        differ = next(name for name in described if known.get(name) != described[name])
        raise UsageError(
            f"another search was made here: its {differ} differs",
            where=str(folder),
            remedy="choose another --out, or add --force to search anew",
        )
    study.set_user_attr("identity", described)
    return Search(study, space, seed)


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a search's folder for this process. Raises `ResourceError` while another process searches there."""
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows: nothing is held there
        yield
        return
    with translating(folder):
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / LOCK).open("w")
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ResourceError(
                "another process is searching here", where=str(folder), remedy="wait for it, or choose another --out"
            ) from error
        yield


def _mend(file: Path) -> None:
    """Cut a line off that a kill left without its end, and free the lock that a killed process held."""
    file.with_name(f"{file.name}.lock").unlink(missing_ok=True)
    if not file.is_file():
        return
    whole = file.read_bytes()
    kept = whole.rfind(b"\n") + 1
    if kept < len(whole):
        os.truncate(file, kept)


def _values(trial: Trial, space: Sequence[Dimension]) -> dict[str, Any]:
    """Ask the sampler for a value of each key that applies; a trial that was begun keeps its own."""
    chosen: dict[str, Any] = {}
    for dimension in space:
        if not dimension.applies(chosen):
            continue
        key, low, high = dimension.key, dimension.low, dimension.high
        if dimension.values:
            chosen[key] = dimension.names[trial.suggest_categorical(key, list(dimension.names))]
        elif dimension.is_whole:
            step = int(dimension.step or 1)
            chosen[key] = trial.suggest_int(key, int(low), int(high), step=step, log=dimension.log)
        else:
            chosen[key] = trial.suggest_float(key, low, high, step=dimension.step, log=dimension.log)
    return chosen


def _sampler(seed: int, number: int) -> Any:
    from optuna.samplers import TPESampler

    return TPESampler(seed=(seed * 100_003 + number) % 2**32, n_startup_trials=NUM_RANDOM)


def _pruner(name: str) -> Any:
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner

    if name == "median":
        return MedianPruner(n_startup_trials=NUM_RANDOM - 1, n_warmup_steps=1)
    return HyperbandPruner(min_resource=1, reduction_factor=3) if name == "hyperband" else NopPruner()
