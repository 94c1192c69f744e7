"""What `tune` tunes: the recipe, the step that is judged, the figure, what is searched; checked before any trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oreline import recipe as recipes
from oreline import registry
from oreline.api import run as running
from oreline.api import search_space, study
from oreline.api.build import DEFAULT_TASK
from oreline.api.search_space import Dimension
from oreline.errors import UsageError, did_you_mean
from oreline.recipe import Recipe, TrainOptions


@dataclass(frozen=True, slots=True)
class Tuned:
    """What is tuned, and how it is judged."""

    read: Recipe
    target: str
    """The step whose model is judged."""
    metric: str
    maximize: bool
    space: Sequence[Dimension]
    folder: Path
    pruner: str

    @property
    def content(self) -> dict[str, Any]:
        """The recipe's content, as a mapping that can be changed."""
        return running.complete(self.read)

    def recipe(self, values: Mapping[str, Any]) -> Recipe:
        """Return the recipe with some values."""
        return recipes.read(search_space.apply(self.content, values), running.STEPS)

    def steps(self, values: Mapping[str, Any]) -> list[running.Planned]:
        """Return the steps that the judged model is made of, in order, with these values."""
        read = self.recipe(values)
        places = running.planned(read, folder=lambda name, key: self.folder / "steps" / f"{name}-{key[:12]}")
        return [item for item in places if item.step.name in ancestors(read, self.target)]


def plan(
    recipe: str | Path | Mapping[str, Any],
    *,
    search: Mapping[str, Any] | Sequence[str] | None = None,
    step: str | None = None,
    pruner: str = "median",
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
) -> Tuned:
    """Check what can be checked before a trial; `oreline.api.tune.tune` has the arguments and what is raised."""
    read = recipes.read(recipe, running.STEPS, overrides=overrides)
    target = _target(read, step)
    given = search if isinstance(search, Mapping) else search_space.parse_search(list(search or ()))
    space = search_space.parse_space({**(read.raw.get("tune") or {}), **given}, read, target, running.STEPS)
    task = next(item for item in read.steps if item.name == target).options.get("task", DEFAULT_TASK)
    metric = registry.get("task", task).metrics[0]
    folder = Path(out) if out is not None else read.out.with_name(f"{read.out.name}-tune")
    if pruner not in study.PRUNERS:
        raise UsageError(f"there is no pruner {pruner!r}", allowed=did_you_mean(pruner, study.PRUNERS))
    maximize = registry.get("metric", metric).higher_is_better
    tuned = Tuned(read, target, metric, maximize, space, folder, pruner)
    _check_keys(tuned)
    return tuned


def ancestors(read: Recipe, target: str) -> set[str]:
    """Return the names of the steps that a step's output is made of, itself included."""
    by_name = {step.name: step for step in read.steps}
    found, todo = set(), [target]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [part for part in _named(by_name[name].options) if part in by_name]
    return found


def _named(options: Mapping[str, Any]) -> list[str]:
    values = [options[name] for name in recipes.REFERENCES if options.get(name)]
    flat = [part for value in values for part in (value if isinstance(value, list) else [value])]
    return [part.partition("#")[0] for part in flat if isinstance(part, str)]


def _target(read: Recipe, step: str | None) -> str:
    trained = [item.name for item in read.steps if item.verb == "finetune"]
    if not trained or (step is not None and step not in trained):
        raise UsageError(
            f"the recipe has no fine-tuning step {step!r}" if step else "the recipe has no step that fine-tunes",
            where=read.source,
            allowed=did_you_mean(step or "", trained),
        )
    return step or trained[-1]


def _check_keys(tuned: Tuned) -> None:
    """Raise `UsageError` for a key that changes nothing that is judged, or what it is judged by, or a missing plug."""
    made_of = ancestors(tuned.read, tuned.target)
    where = f"{tuned.read.source}, tune"
    for dimension in tuned.space:
        name, _, option = dimension.key.partition(".")
        if name not in made_of:
            raise UsageError(
                f"the key {dimension.key!r} changes nothing that {tuned.target!r} is made of",
                where=where,
                allowed=f"keys of {', '.join(sorted(made_of))}",
            )
        if option == "task":
            raise UsageError("trials of different tasks cannot be compared", where=where, remedy="leave `task` out")
        values = {key: allowed[0] for key, allowed in dimension.when.items()}
        for value in dimension.samples():
            read = tuned.recipe({**values, dimension.key: value})
            running.check_plugs(next(step for step in read.steps if step.name == name), read)


def identity(tuned: Tuned) -> dict[str, Any]:
    """Return what makes a search this search: a journal of another one is not continued."""
    return {
        "recipe": tuned.steps({})[-1].key,
        "search space": [dimension.to_json() for dimension in tuned.space],
        "step": tuned.target,
        "pruner": tuned.pruner,
        "seed": tuned.read.seed,
    }


def described(tuned: Tuned) -> dict[str, Any]:
    """Return what the report says of the recipe, JSON-ready; `before` are the recipe's own values."""
    return {
        "recipe": tuned.read.name,
        "step": tuned.target,
        "metric": tuned.metric,
        "seed": tuned.read.seed,
        "out": str(tuned.folder.absolute()),
        "before": {dimension.key: value_of(tuned.read, dimension.key) for dimension in tuned.space},
        "changes_dev": any(
            dimension.key.partition(".")[0] == step.name
            for dimension in tuned.space
            for step in tuned.read.steps
            if step.verb == "refine"
        ),
    }


def value_of(read: Recipe, key: str) -> Any:
    """Return what the recipe has for a key, a training option's default where it says nothing, None elsewhere."""
    name, *path = key.split(".")
    value: Any = next(step for step in read.steps if step.name == name).options
    for part in path:
        value = value.model_dump() if isinstance(value, TrainOptions) else value
        if not isinstance(value, Mapping) or part not in value:
            is_training = len(path) == 2 and path[0] == "train" and path[1] in TrainOptions.model_fields
            return TrainOptions.model_fields[path[1]].get_default(call_default_factory=True) if is_training else None
        value = value[part]
    return value
