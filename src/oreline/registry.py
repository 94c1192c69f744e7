"""Find plugs by kind and name. The file name is the registration.

`get("operator", "dedup_exact")` imports `oreline.data.operators.dedup_exact` and takes the one attribute that
its kind promises (`Operator`). A module of the kind's package is a plug exactly when it defines that attribute
at top level, which is read from the source text: listing names imports nothing. Other distributions add plugs
by an entry point in the group `oreline.<kind>`.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import importlib.metadata
import importlib.util
import inspect
import json
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oreline.errors import MissingExtraError, UsageError, did_you_mean

_SOURCE_ROOT = Path(__file__).parent
MADE_OF = "made_of"
"""Attribute of an operator that was built by name: `(name, options)`, by which another process builds the same one."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of plug: the package its files lie in and the attribute each file defines."""

    package: str
    attribute: str
    extra: str

    @property
    def folder(self) -> Path:
        """Where the kind's files lie."""
        return _SOURCE_ROOT.joinpath(*self.package.split("."))


KINDS: dict[str, Kind] = {
    "catalog": Kind("catalog", "Entry", "data"),
    "metric": Kind("metrics", "Metric", "data"),
    "rejector": Kind("rejectors", "Rejector", "serve"),
    "view": Kind("evaluate.views", "View", "data"),
    "reader": Kind("data.readers", "Reader", "data"),
    "operator": Kind("data.operators", "Operator", "data"),
    "task": Kind("tasks", "Task", "serve"),
    "head": Kind("models.heads", "Head", "train"),
    "adapter": Kind("models.adapters", "Adapter", "train"),
    "network": Kind("models.networks", "Network", "train"),
    "objective": Kind("objectives", "Objective", "train"),
    "runtime": Kind("runtime", "Runtime", "serve"),
    "method": Kind("train.methods", "Method", "train"),
    "optimizer": Kind("train.optimizers", "Optimizer", "train"),
    "regularizer": Kind("train.regularizers", "Regularizer", "train"),
    "merging": Kind("train.merging", "Merging", "train"),
    "tracker": Kind("train.trackers", "Tracker", "track"),
    "explainer": Kind("explain", "Explainer", "data"),
    "compression": Kind("compress", "Compression", "export"),
    "detector": Kind("monitor.detectors", "Detector", "data"),
    "policy": Kind("update.policies", "Policy", "train"),
}


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a plug: a keyword argument of its constructor."""

    name: str
    annotation: str
    default: Any
    required: bool


def kind(name: str) -> Kind:
    """Return a kind by name. Raises `UsageError` for an unknown one."""
    if name not in KINDS:
        raise UsageError(f"unknown kind of plug {name!r}", allowed=did_you_mean(name, KINDS))
    return KINDS[name]


def names(kind_name: str) -> list[str]:
    """Return the names of all plugs of a kind, sorted, without importing any.

    >>> "dedup_exact" in names("operator")
    True
    """
    return sorted({*_own_files(kind_name), *_entry_points(kind_name)})


def accepted(kind_name: str) -> list[str]:
    """Return the names that are taken where a plug of this kind is named.

    Where a method is named, an adapter's name stands for the method `adapter` with it.

    >>> {"adapter", "lora"} <= set(accepted("method"))
    True
    """
    return sorted({*names(kind_name), *(names("adapter") if kind_name == "method" else ())})


def choices(kind_name: str) -> list[str]:
    """Return what a user may write where a plug of this kind is named: `auto` is the method that fits the rows.

    >>> "auto" in choices("method"), "auto" in choices("compression")
    (True, False)
    """
    return sorted({*accepted(kind_name), *(("auto",) if kind_name == "method" else ())})


def get(kind_name: str, name: str) -> Any:
    """Import one plug and return its class.

    Raises `UsageError` when there is no such plug and `MissingExtraError` when what it imports is not installed.
    """
    wanted = name.replace("-", "_")
    try:
        if wanted in _own_files(kind_name):
            promised = kind(kind_name)
            module = importlib.import_module(f"oreline.{promised.package}.{wanted}")
            return getattr(module, promised.attribute)
        if wanted in _entry_points(kind_name):
            return _entry_points(kind_name)[wanted].load()
    except ModuleNotFoundError as error:
        missing = (error.name or "").split(".")[0]
        if missing in {"", "oreline"}:
            raise  # a mistake in our own code or in the plug, not a missing package
        raise MissingExtraError(missing, kind(kind_name).extra, f"the {kind_name} {name!r}") from error
    raise UsageError(
        f"there is no {kind_name} named {name!r}",
        allowed=did_you_mean(wanted, choices(kind_name)),
        remedy=f"oreline list {kind_name}",
    )


def create(kind_name: str, name: str, **options: Any) -> Any:
    """Build one plug with its options.

    Raises `UsageError` for an option that the plug does not have, lacks a value for, or has a value of another type.
    """
    plug = get(kind_name, name)
    known = {option.name: option for option in options_of(plug)}
    for given in options:
        if given not in known:
            raise UsageError(f"the {kind_name} {name!r} has no option {given!r}", allowed=did_you_mean(given, known))
    lacking = [option.name for option in known.values() if option.required and option.name not in options]
    if lacking:
        raise UsageError(f"the {kind_name} {name!r} needs the option {lacking[0]!r}", allowed=", ".join(known))
    for given, value in options.items():
        if fault := _fault(plug, given, value):
            raise UsageError(
                f"the option {given!r} of the {kind_name} {name!r} is {str(value)[:80]!r}: {fault}",
                allowed=known[given].annotation,
            )
    made = plug(**options)
    if kind_name == "operator":
        with contextlib.suppress(AttributeError):  # one with slots is not built again elsewhere
            setattr(made, MADE_OF, (name.replace("-", "_"), dict(options)))
    return made


def create_all(kind_name: str, entries: Sequence[Any]) -> list[tuple[str, Any]]:
    """Build plugs, with their names, from names and one-key mappings: `["swa", {"ema": {"decay": 0.99}}]`.

    Raises `UsageError` for an entry of another form, besides what `create` raises.
    """
    built = []
    for entry in entries:
        name, options = entry if isinstance(entry, tuple) else (entry, {})
        if isinstance(entry, Mapping):
            if len(entry) != 1:
                raise UsageError(
                    f"{kind_name} {dict(entry)!r} is not one name with its options",
                    allowed="NAME, or {NAME: {OPTION: VALUE}}",
                )
            name, options = next(iter(entry.items()))
        if not isinstance(options, Mapping | None):
            raise UsageError(f"the options of the {kind_name} {name!r} are {options!r}", allowed="a mapping")
        built.append((str(name).replace("-", "_"), create(kind_name, str(name), **(options or {}))))
    return built


def options_of(plug: Any) -> list[Option]:
    """Return the constructor's keyword arguments of a plug class."""
    if plug.__init__ is object.__init__:
        return []
    parameters = list(inspect.signature(plug).parameters.values())
    return [
        Option(
            parameter.name,
            _spelled(plug, str(parameter.annotation)),
            None if parameter.default is parameter.empty else parameter.default,
            parameter.default is parameter.empty,
        )
        for parameter in parameters
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]


def _spelled(plug: Any, annotation: str) -> str:
    """Return a type as a user can read it: a name that a module gives to some values becomes these values."""
    named = getattr(plug.__init__, "__globals__", {}).get(annotation)
    if typing.get_origin(named) is not typing.Literal:
        return annotation
    return f"Literal[{', '.join(map(repr, typing.get_args(named)))}]"


def _fault(plug: Any, option: str, value: Any) -> str:
    """Return what is wrong with the type of an option's value, and where in it; empty where nothing is."""
    from pydantic import ValidationError

    checker = _checker(plug, option)
    try:
        if checker is not None:
            # "8" is no number and true is no 1, as the constructor sees them.
            checker.validate_python(value, strict=isinstance(value, str | bool))
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "sequence_str":
            return f"a list is expected: {json.dumps([value], ensure_ascii=False)}"
        return f"{first['msg'][0].lower()}{first['msg'][1:]}"
    return ""


@functools.cache
def _checker(plug: Any, option: str) -> Any:
    """Return what checks values of an option; None for a type that is there for type checkers only."""
    from pydantic import ConfigDict, TypeAdapter
    from pydantic.errors import PydanticUserError

    try:
        hints = typing.get_type_hints(plug.__init__, localns={"Sequence": Sequence, "Mapping": Mapping})
        return TypeAdapter(hints[option], config=ConfigDict(arbitrary_types_allowed=True))
    except (NameError, KeyError, PydanticUserError):
        return None


def summary(kind_name: str, name: str) -> str:
    """Return the first docstring line of a plug, read from its source without importing it."""
    promised = kind(kind_name)
    wanted = name.replace("-", "_")
    if wanted not in _own_files(kind_name):
        return f"from {_entry_points(kind_name)[wanted].value}"
    tree = ast.parse((promised.folder / f"{wanted}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == promised.attribute:
            return (ast.get_docstring(node) or ast.get_docstring(tree) or "").split("\n", 1)[0]
    return (ast.get_docstring(tree) or "").split("\n", 1)[0]


@functools.cache
def _own_files(kind_name: str) -> frozenset[str]:
    promised = kind(kind_name)
    files = promised.folder.glob("*.py") if promised.folder.is_dir() else []
    return frozenset(path.stem for path in files if _defines(path, promised.attribute))


def _defines(path: Path, attribute: str) -> bool:
    text = path.read_text(encoding="utf-8")
    return any(
        line.startswith((f"class {attribute}(", f"class {attribute}:", f"{attribute} = ")) for line in text.splitlines()
    )


@functools.cache
def _entry_points(kind_name: str) -> dict[str, importlib.metadata.EntryPoint]:
    kind(kind_name)
    return {point.name: point for point in importlib.metadata.entry_points(group=f"oreline.{kind_name}")}
