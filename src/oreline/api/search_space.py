"""What `oreline tune` searches: keys of a recipe, each with a range or a list of values.

    tune:
      train.learning_rate: {low: 1e-5, high: 5e-4, log: true}
      method: [full, lora]
      method_options.rank: {low: 2, high: 16, when: {method: lora}}

A key is `STEP.KEY`, or `KEY` alone for the step whose model is judged. On the command line the same is
`--search train.learning_rate=1e-5..5e-4:log --search method=full,lora`.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from oreline import recipe as recipes
from oreline import registry
from oreline.errors import UsageError, did_you_mean
from oreline.recipe import Recipe

_BOUNDS = {"low", "high", "log", "step", "values", "when"}
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_RANGE = re.compile(r"(.+?)\.\.(.+?)((?::(?:log|step=[^:]+))*)")


@dataclass(frozen=True, slots=True)
class Dimension:
    """One key that is searched: `low` to `high`, or one of `values`."""

    key: str
    """With the step's name: `finetune.train.learning_rate`."""
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    values: tuple[Any, ...] = ()
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Other keys, and their values in which this one is searched at all."""

    @property
    def is_whole(self) -> bool:
        """Whether a range takes whole numbers only."""
        return isinstance(self.low, int) and isinstance(self.high, int) and isinstance(self.step, int | None)

    @property
    def names(self) -> dict[str, Any]:
        """The values by the names they have in reports.

        >>> Dimension("finetune.method", values=("full", 2, None)).names
        {'full': 'full', '2': 2, 'null': None}
        """
        return {value if isinstance(value, str) else json.dumps(value): value for value in self.values}

    def applies(self, chosen: Mapping[str, Any]) -> bool:
        """Whether it is searched beside the values chosen for the dimensions before it."""
        return all(chosen.get(key) in allowed for key, allowed in self.when.items())

    def samples(self) -> list[Any]:
        """Return the values by which a range or list can be checked: all of a list, both ends of a range."""
        return list(self.values) if self.values else [self.low, self.high]

    def to_json(self) -> dict[str, Any]:
        """Return its JSON form, by which a study that is continued is compared."""
        content = {"values": list(self.values)} if self.values else {"low": self.low, "high": self.high}
        more = {"log": self.log, "step": self.step, "when": {key: list(allowed) for key, allowed in self.when.items()}}
        return {"key": self.key, **content, **{name: value for name, value in more.items() if value}}

    def __str__(self) -> str:
        """Return it as the command line writes it, without the key."""
        if self.values:
            return ", ".join(self.names)
        scale = ":log" if self.log else "" if self.step is None else f":step={self.step:g}"
        return f"{self.low:g}..{self.high:g}{scale}"


def parse_search(texts: Sequence[str]) -> dict[str, Any]:
    """Turn `--search` options into the form that a recipe has under `tune`.

    Raises `UsageError` for a text that is neither a range nor a list.

    >>> parse_search(["train.learning_rate=1e-5..5e-4:log", "method=full,lora"])
    {'train.learning_rate': {'low': 1e-05, 'high': 0.0005, 'log': True}, 'method': ['full', 'lora']}
    """
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, given = text.partition("=")
        if not (key.strip() and equals and given.strip()):
            raise UsageError(
                f"--search {text!r} is not KEY=VALUES",
                allowed="KEY=LOW..HIGH, KEY=LOW..HIGH:log, KEY=LOW..HIGH:step=S, KEY=A,B,C",
                remedy="--search train.learning_rate=1e-5..5e-4:log",
            )
        if match := _RANGE.fullmatch(given.strip()):
            options = [part.partition("=") for part in match[3].split(":") if part]
            more = {name: number(value) if value else True for name, _, value in options}
            found[key.strip()] = {"low": number(match[1]), "high": number(match[2]), **more}
        else:
            found[key.strip()] = _listed(given, text)
    return found


def parse_space(given: Any, read: Recipe, target: str, options: Mapping[str, Callable[..., Any]]) -> list[Dimension]:
    """Return what is searched, conditions before what depends on them.

    Args:
        given: keys with ranges and lists, as a recipe has them under `tune`.
        read: the recipe.
        target: the step whose model is judged.
        options: the functions behind the verbs, for messages about unknown keys.

    Raises:
        UsageError: nothing to search, an empty range or list, a key that the recipe does not have.
    """
    where = f"{read.source}, tune"
    if not isinstance(given, Mapping) or not given:
        raise UsageError(
            "there is nothing to search",
            where=where,
            allowed="keys of the recipe, each with a range or a list of values",
            remedy="--search train.learning_rate=1e-5..5e-4:log, or the same under `tune:` in the recipe",
        )
    names = [step.name for step in read.steps]
    found = [_dimension(_full(key, names, target, where), value, where) for key, value in given.items()]
    placed = [_placed(dimension, names, target, where) for dimension in found]
    ordered = list(_by_condition(placed, where))
    for dimension in ordered:
        _check(dimension, read, options, where)
        _check_method_options(dimension, ordered, read, where)
    return ordered


def apply(content: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a recipe with other values for some keys (`STEP.KEY`)."""
    changed = copy.deepcopy(dict(content))
    by_name = {options.get("as", verb): options for entry in changed["steps"] for verb, options in entry.items()}
    for key, value in values.items():
        name, *path = key.split(".")
        recipes.assign(by_name[name], path, copy.deepcopy(value))
    return changed


def number(value: Any) -> Any:
    """Read a number where YAML or the command line gives its text (`1e-5` is a text in YAML 1.1).

    >>> number("1e-5"), number("3"), number("full"), number(0.1)
    (1e-05, 3, 'full', 0.1)
    """
    if not isinstance(value, str) or not _NUMBER.fullmatch(value.strip()):
        return value
    return int(value) if re.fullmatch(r"[-+]?\d+", value.strip()) else float(value)


def _listed(given: str, text: str) -> list[Any]:
    try:
        listed = yaml.safe_load(given if given.lstrip().startswith("[") else f"[{given}]")
    except yaml.YAMLError as error:
        raise UsageError(f"--search {text!r}: the values are not YAML", allowed="KEY=A,B,C") from error
    return list(listed)


def _full(key: Any, names: Sequence[str], target: str, where: str) -> str:
    """Return a key with its step's name."""
    first, _, rest = str(key).partition(".")
    if first in ("name", "out", "seed", "steps", "as") and not rest:
        raise UsageError(f"{key!r} is not searched", where=where, allowed="options of the recipe's steps")
    return str(key) if first in names and rest else f"{target}.{key}"


def _dimension(key: str, given: Any, where: str) -> Dimension:
    where = f"{where}, {key}"
    if isinstance(given, list | tuple):
        given = {"values": list(given)}
    if not isinstance(given, Mapping):
        raise UsageError(
            f"what to search is {given!r}",
            where=where,
            allowed="a list of values, or {low: …, high: …}",
            remedy="name at least two values: [a, b]",
        )
    if unknown := next((name for name in given if name not in _BOUNDS), None):
        raise UsageError(f"unknown key {unknown!r}", where=where, allowed=did_you_mean(str(unknown), _BOUNDS))
    when = {
        str(other): tuple(map(number, allowed if isinstance(allowed, list) else [allowed]))
        for other, allowed in dict(given.get("when") or {}).items()
    }
    if "values" in given:
        return _one_of(key, [number(value) for value in given["values"] or []], when, where)
    bounds = {name: number(given.get(name)) for name in ("low", "high", "step")}
    return _range(key, bounds, bool(given.get("log")), when, where)


def _one_of(key: str, values: Sequence[Any], when: Mapping[str, tuple[Any, ...]], where: str) -> Dimension:
    dimension = Dimension(key, values=tuple(values), when=when)
    if not values or len(dimension.names) < len(values):
        raise UsageError(
            "the list of values is empty" if not values else f"a value stands twice in {list(values)!r}",
            where=where,
            allowed="values that differ",
        )
    return dimension


def _range(
    key: str, bounds: Mapping[str, Any], log: bool, when: Mapping[str, tuple[Any, ...]], where: str
) -> Dimension:
    for name, value in bounds.items():
        if (value is None and name != "step") or not isinstance(value, int | float | None) or isinstance(value, bool):
            raise UsageError(f"{name} is {value!r}", where=where, allowed="a number", remedy="{low: 1, high: 4}")
    low, high, step = bounds["low"], bounds["high"], bounds["step"]
    if not low < high:
        raise UsageError(f"the range from {low:g} to {high:g} is empty", where=where, allowed="low below high")
    if log and (low <= 0 or step is not None):
        what = f"low is {low:g}" if low <= 0 else f"step is {step:g}"
        raise UsageError(f"{what} on a logarithmic scale", where=where, allowed="low above 0, and no step")
    if step is not None and not 0 < step <= high - low:
        raise UsageError(f"step is {step:g}", where=where, allowed=f"above 0 and up to {high - low:g}")
    return Dimension(key, low, high, log, step, when=when)


def _placed(dimension: Dimension, names: Sequence[str], target: str, where: str) -> Dimension:
    """Return a dimension whose conditions bear the names of their steps."""
    when = {_full(key, names, target, where): allowed for key, allowed in dimension.when.items()}
    return Dimension(
        dimension.key, dimension.low, dimension.high, dimension.log, dimension.step, dimension.values, when
    )


def _by_condition(dimensions: Sequence[Dimension], where: str) -> Iterator[Dimension]:
    """Yield dimensions so that each stands behind those in its condition."""
    left = list(dimensions)
    done: dict[str, Dimension] = {}
    while left:
        ready = [dimension for dimension in left if set(dimension.when) <= set(done)]
        if not ready:
            lacking = next(key for key in left[0].when if key not in done)
            raise UsageError(
                f"the condition names {lacking!r}, which is not searched",
                where=f"{where}, {left[0].key}, when",
                allowed=did_you_mean(lacking, [dimension.key for dimension in dimensions]),
            )
        for dimension in ready:
            for key, allowed in dimension.when.items():
                if strange := [value for value in allowed if value not in done[key].values]:
                    raise UsageError(
                        f"the condition wants {strange[0]!r} of {key!r}, which is not searched",
                        where=f"{where}, {dimension.key}, when",
                        allowed=", ".join(done[key].names) or "a key with a list of values",
                    )
            done[dimension.key] = dimension
            yield dimension
        left = [dimension for dimension in left if dimension.key not in done]


def _check(dimension: Dimension, read: Recipe, verbs: Mapping[str, Callable[..., Any]], where: str) -> None:
    """Raise `UsageError` unless the recipe takes the dimension's values."""
    name, first, *_ = [*dimension.key.split("."), ""]
    step = next(step for step in read.steps if step.name == name)
    known = recipes.options_model(step.verb, verbs[step.verb]).model_fields
    if first not in known:
        close = did_you_mean(first, [*known, *(other.name for other in read.steps if first)])
        raise UsageError(f"unknown key {dimension.key!r}", where=where, allowed=close)
    values = {key: allowed[0] for key, allowed in dimension.when.items()}
    content = {"steps": [{step.verb: {**_plain(step.options), "as": step.name}}]}
    for value in dimension.samples():
        changed = apply(content, {**values, dimension.key: value})
        options = dict(changed["steps"][0][step.verb])
        options.pop("as")
        recipes.check_options(step.verb, options, verbs[step.verb], f"{where}, {dimension.key}")


def _check_method_options(dimension: Dimension, space: Sequence[Dimension], read: Recipe, where: str) -> None:
    """Raise `UsageError` for an option that none of the methods has with which it is searched."""
    name, first, *rest = dimension.key.split(".")
    step = next(step for step in read.steps if step.name == name)
    if step.verb != "finetune" or first != "method_options" or not rest:
        return
    searched = next((other.values for other in space if other.key == f"{name}.method"), ())
    methods = dimension.when.get(f"{name}.method", searched or (step.options.get("method", "auto"),))
    known = {option for method in methods for option in _options_of_method(str(method))}
    if "auto" not in methods and rest[0] not in known:
        raise UsageError(
            f"no method that is searched has the option {rest[0]!r}",
            where=f"{where}, {dimension.key}",
            allowed=did_you_mean(rest[0], known),
        )


def _options_of_method(name: str) -> list[str]:
    if name == "auto":
        return []
    wanted = name.replace("-", "_")
    is_adapter = wanted in registry.names("adapter") and wanted not in registry.names("method")
    plugs = [registry.get("method", "adapter" if is_adapter else wanted)]
    plugs += [registry.get("adapter", wanted)] if is_adapter else []
    return [option.name for plug in plugs for option in registry.options_of(plug)]


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.model_dump(exclude_unset=True) if hasattr(value, "model_dump") else value
        for name, value in options.items()
    }
