"""Recipes: YAML in which each step is one verb with its options.

A verb's options are the keyword arguments of the function in `oreline.api` that bears its name; they are the only
schema. `read` is handed those functions, checks every key against them, and says what was probably meant.

    name: reviews
    out: runs/reviews
    seed: 7
    steps:
      - refine: {data: reviews.csv, text: review, label: stars}
      - finetune: {data: refine, task: text_classification}
      - evaluate: {as: final, model: finetune, data: refine}
"""

from __future__ import annotations

import inspect
import json
import shlex
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from oreline.errors import ResourceError, UsageError, did_you_mean
from oreline.generation import Generation

Verbs = Mapping[str, Callable[..., Any]]
Schedule = Literal["linear", "cosine", "constant", "inverse_sqrt"]

REFERENCES = ("data", "model", "others", "base", "start", "live", "fresh", "gate", "compare", "baseline", "rehearse")
"""Options whose value may be the name of an earlier step."""

ENGINES = ("local", "ray")
"""Where steps run that can run elsewhere; the top of a recipe says it for all of them."""

_RUN_OPTIONS = {"out", "force", "seed", "quiet", "on_event"}
"""Set by the run for every step, not by the recipe's author."""


class TrainOptions(BaseModel):
    """How a model is trained; the `train` mapping of `pretrain`, `finetune` and `update`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: float = Field(3.0, gt=0, description="passes over the training rows, at most")
    learning_rate: float | None = Field(
        None, gt=0, le=10, description="peak learning rate; the method's own when not set"
    )
    rows_per_step: int = Field(32, ge=1, description="rows behind one optimizer step")
    token_budget: int | None = Field(
        None,
        ge=16,
        description="padded tokens in one forward pass; when not set, 2,048 on a CPU and probed on a GPU; halved, for "
        "the same rows of a step, when memory runs out",
    )
    gradient_checkpointing: bool = Field(
        False, description="compute activations again in the backward pass: far less memory, a third more arithmetic"
    )
    max_tokens: int = Field(256, ge=4, description="longer texts are cut, counted and warned of")
    warmup: float = Field(0.1, ge=0, lt=1, description="share of the steps in which the learning rate rises")
    schedule: Schedule = Field("linear", description="the learning rate after the rise; linear and cosine end at zero")
    layer_decay: float | None = Field(
        None, gt=0, le=1, description="each layer's rate is the one above it times this; the head has the full rate"
    )
    weight_decay: float = Field(0.01, ge=0, description="decoupled, not on biases and norms")
    clip_norm: float = Field(1.0, gt=0, description="gradients are scaled down to this norm")
    optimizer: str = Field("adamw", description="name of an optimizer plug; each says what rates it needs")
    optimizer_options: dict[str, Any] = Field(default_factory=dict, description="options of the optimizer plug")
    class_weights: Literal["none", "balanced", "effective"] = Field(
        "none", description="rare classes count more: by their frequency, or (effective) less than that"
    )
    row_weights: bool = Field(
        True, description="a row counts in the loss by the column `weight`, where the data have one; no: all the same"
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of a class's target that goes to all classes")
    focal_gamma: float = Field(0.0, ge=0, description="focal loss: a row counts (1 - p)^gamma, p of its class")
    regularizers: list[str | dict[str, Any]] = Field(
        default_factory=list, description="regularizer plugs, each a name or {name: {option: value}}, innermost first"
    )
    calibrate: bool = Field(
        False, description="temperature scaling on dev: probabilities then say how often the answers are right"
    )
    reject: str | dict[str, Any] | None = Field(
        None, description="rejector plug, a name or {name: {option: value}}: rows of no class are answered as such"
    )
    patience: int = Field(
        3, ge=1, description="dev evaluations without a gain (of the first figure or the loss) before training stops"
    )
    evaluations_per_epoch: int = Field(2, ge=1, description="how often dev is scored; the best weights are kept")
    minutes: float | None = Field(None, gt=0, description="stop (well-decayed) after this time")
    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="auto: bf16 where a probe finds it faster")
    threads: int | None = Field(None, ge=1, description="CPU threads; all cores when not set")
    frozen_cache: Literal["bf16", "fp32", "off"] = Field(
        "bf16",
        description="what frozen lowest layers return is kept on disk in this precision; off: computed in every step",
    )
    dropout: float | None = Field(None, ge=0, lt=1, description="overrides the start model's dropout")
    generation: Generation | None = Field(None, description="how a model that answers with texts writes them")
    dev_texts: int = Field(
        0, ge=0, description="dev rows that are answered in texts at each evaluation, to choose by; 0: by the dev loss"
    )
    chat_template: str | None = Field(
        None,
        description="chat: a built-in template, a file ending in .jinja, or Jinja; the start model's own when not set",
    )
    answers: Literal["all", "last"] | None = Field(
        None, description="chat: train on all answers of a dialogue (as when not set), or on the last one alone"
    )
    packing: bool = Field(
        False, description="chat: short dialogues share rows of max_tokens tokens, without seeing one another"
    )
    checkpoint_every_s: float = Field(60.0, gt=0, description="seconds between checkpoints")
    track: list[str] = Field(default_factory=list, description="tracker plugs besides events.jsonl")


@dataclass(frozen=True, slots=True)
class Step:
    """One verb with its options; `name` is what later steps call its output."""

    name: str
    verb: str
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A validated recipe."""

    name: str
    out: Path
    seed: int
    steps: tuple[Step, ...]
    raw: dict[str, Any] = field(default_factory=dict, compare=False)
    source: str = field(default="recipe", compare=False)
    """Its file, for messages."""


def read(source: str | Path | Mapping[str, Any], verbs: Verbs, *, overrides: Sequence[str] = ()) -> Recipe:
    """Read and validate a recipe.

    `overrides` are `step.key=value` assignments (`finetune.train.epochs=3`), or `key=value` at the top.
    Raises `UsageError` for YAML that does not parse, an unknown key, a wrong value, or a reference to nothing.
    """
    raw = load_yaml(source) if not isinstance(source, Mapping) else dict(source)
    where = str(source) if not isinstance(source, Mapping) else "recipe"
    _refuse_unknown(raw, {"name", "out", "seed", "steps", "engine", "tune"}, where)
    if raw.get("engine", "local") not in ENGINES:
        raise UsageError(f"unknown engine {raw['engine']!r}", where=where, allowed=", ".join(ENGINES))
    entries = raw.get("steps")
    if not isinstance(entries, list) or not entries:
        raise UsageError("a recipe needs a list of steps", where=where, remedy="steps: [{refine: {…}}, …]")
    steps = [_split_step(entry, number, verbs, where) for number, entry in enumerate(entries, start=1)]
    names = [name for name, _, _ in steps]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"two steps are called {repeated!r}", where=where, remedy="name one of them with `as:`")
    top, per_step = _parse_overrides(overrides, names)
    checked = tuple(
        Step(
            name,
            verb,
            check_options(
                verb,
                _merge(_with_engine(options, raw, verbs[verb]), per_step.get(name, {})),
                verbs[verb],
                f"{where}, step {name!r}",
            ),
        )
        for name, verb, options in steps
    )
    merged = {**raw, **top}
    try:
        seed = int(merged.get("seed", 0))
    except (TypeError, ValueError) as error:
        raise UsageError(f"the seed is {merged['seed']!r}", where=where, allowed="a whole number") from error
    name = str(merged.get("name") or "run")
    return Recipe(name, Path(str(merged.get("out") or f"runs/{name}")), seed, checked, raw, where)


def check_options(verb: str, options: Mapping[str, Any], function: Callable[..., Any], where: str) -> dict[str, Any]:
    """Check options against a function's keyword arguments and return them with their types made right.

    Raises `UsageError` naming the key, its value, and what is allowed.
    """
    model = options_model(verb, function)
    if "train" in model.model_fields:
        _refuse_train_keys(options, set(model.model_fields), where)
    _refuse_unknown(options, set(model.model_fields), where)
    try:
        parsed = model.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            inner = _hints(function).get(str(first["loc"][0]))
            fields = getattr(_plain(inner), "model_fields", {})
            raise UsageError(
                f"unknown key {key!r}", where=where, allowed=did_you_mean(str(first["loc"][-1]), fields)
            ) from error
        if first["type"] == "missing":
            raise UsageError(f"{verb} needs {key!r}", where=where) from error
        raise UsageError(
            f"{key!r} is {first.get('input')!r}: {first['msg'][0].lower()}{first['msg'][1:]}", where=where
        ) from error
    return {name: getattr(parsed, name) for name in options}


def options_model(verb: str, function: Callable[..., Any]) -> type[BaseModel]:
    """Return a pydantic model of a function's arguments (unknown keys refused)."""
    hints = _hints(function)
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in _RUN_OPTIONS:
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (hints.get(name, Any), default)
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    return create_model(f"{verb}_options", __config__=config, **fields)


def schema(verbs: Verbs) -> dict[str, Any]:
    """Return the JSON Schema of recipes, for editors (`oreline schema`)."""
    steps = []
    for verb, function in verbs.items():
        options = options_model(verb, function).model_json_schema(ref_template="#/$defs/{model}")
        options["properties"]["as"] = {"type": "string", "description": "name of the output for later steps"}
        steps.append(
            {
                "type": "object",
                "properties": {verb: options},
                "required": [verb],
                "additionalProperties": False,
            }
        )
    definitions: dict[str, Any] = {}
    for step in steps:
        for options in step["properties"].values():  # type: ignore[attr-defined]
            definitions.update(options.pop("$defs", {}))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Oreline recipe",
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "out": {"type": "string"},
            "seed": {"type": "integer"},
            "engine": {"enum": list(ENGINES)},
            "tune": {"type": "object", "description": "what `oreline tune` searches: {KEY: {low, high} or [values]}"},
            "steps": {"type": "array", "minItems": 1, "items": {"anyOf": steps}},
        },
        "required": ["steps"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def parse_assignment(text: str) -> tuple[list[str], Any]:
    """Split `a.b=value` into its path and its YAML value.

    >>> parse_assignment("train.epochs=3")
    (['train', 'epochs'], 3)
    """
    path, separator, value = text.partition("=")
    if not separator or not path.strip():
        raise UsageError(f"--set {text!r} is not KEY=VALUE", allowed="for example train.epochs=3")
    try:
        return path.strip().split("."), yaml.safe_load(value)
    except yaml.YAMLError as error:
        quoted = shlex.quote(f"{path}={json.dumps(value, ensure_ascii=False)}")
        raise UsageError(
            f"--set {text!r}: the value is not YAML",
            allowed="a number, a word, [a, list], {a: mapping}; a text with signs of YAML in quotes of its own",
            remedy=f"for a text: --set {quoted}",
        ) from error


def assign(options: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set a nested key in place, making mappings on the way."""
    for part in path[:-1]:
        inner = options.get(part)
        options[part] = dict(inner) if isinstance(inner, Mapping) else {}
        options = options[part]
    options[path[-1]] = value


def load_yaml(source: str | Path) -> dict[str, Any]:
    """Return the mapping in a YAML file. Raises `UsageError` where there is none, with the line that is wrong."""
    file = Path(source)
    if not file.is_file():
        raise UsageError(f"there is no recipe {str(source)!r}", remedy="`oreline init FILE` writes one for your data")
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except PermissionError as error:
        raise ResourceError(
            "no permission to read the recipe", where=str(file), remedy="ask its owner, or copy it"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}" if mark else str(file)
        raise UsageError(
            f"the recipe is not YAML: {getattr(error, 'problem', error)}",
            where=place,
            remedy="correct that line; `oreline init FILE` writes a recipe to compare with",
        ) from error
    if not isinstance(raw, dict):
        raise UsageError(
            "a recipe is a mapping with the key `steps`",
            where=str(file),
            remedy="`oreline init FILE` writes one for your data",
        )
    return raw


def _split_step(entry: Any, number: int, verbs: Verbs, where: str) -> tuple[str, str, dict[str, Any]]:
    place = f"{where}, step {number}"
    if not isinstance(entry, dict) or len(entry) != 1:
        raise UsageError("a step is a mapping with one verb", where=place, allowed=", ".join(verbs))
    verb, options = next(iter(entry.items()))
    if verb not in verbs:
        raise UsageError(f"unknown verb {verb!r}", where=place, allowed=did_you_mean(str(verb), verbs))
    if not isinstance(options, dict):
        raise UsageError(f"{verb} takes a mapping of options", where=place)
    options = dict(options)
    return str(options.pop("as", verb)), verb, options


def _parse_overrides(
    overrides: Sequence[str], names: Sequence[str]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    top: dict[str, Any] = {}
    per_step: dict[str, dict[str, Any]] = {}
    for text in overrides:
        path, value = parse_assignment(text)
        if len(path) == 1 and path[0] in {"name", "out", "seed"}:
            top[path[0]] = value
        elif path[0] in names and len(path) > 1:
            assign(per_step.setdefault(path[0], {}), path[1:], value)
        else:
            raise UsageError(
                f"--set {text!r} names no step",
                allowed=did_you_mean(path[0], [*names, "name", "out", "seed"]),
            )
    return top, per_step


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        inner = merged.get(key)
        merged[key] = _merge(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return merged


def _with_engine(options: Mapping[str, Any], raw: Mapping[str, Any], verb: Callable[..., Any]) -> Mapping[str, Any]:
    """Return a step's options with the recipe's engine, where the verb has one and the step says none."""
    takes = "engine" in raw and "engine" in inspect.signature(verb).parameters
    return {"engine": raw["engine"], **options} if takes else options


def _refuse_unknown(given: Mapping[Any, Any], known: set[str], where: str) -> None:
    for key in given:
        if key not in known:
            raise UsageError(f"unknown key {key!r}", where=where, allowed=did_you_mean(str(key), known))


def _refuse_train_keys(given: Mapping[str, Any], known: set[str], where: str) -> None:
    """Raise `UsageError` for a key of `train` that stands beside `train` (`epochs=3`)."""
    for key in given:
        if key not in known and key in TrainOptions.model_fields:
            raise UsageError(f"unknown key {key!r}", where=where, allowed=f"did you mean 'train.{key}'?")


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The types of a function's arguments. What it returns is left out: its package may be too heavy to import."""
    plain = inspect.unwrap(function)
    arguments = {name: hint for name, hint in plain.__annotations__.items() if name != "return"}
    hints = typing.get_type_hints(types.SimpleNamespace(__annotations__=arguments), globalns=plain.__globals__)
    return {name: _checked_part(hint) for name, hint in hints.items()}


def _checked_part(hint: Any) -> Any:
    """`TrainOptions | dict | None` → `TrainOptions | None`: a mapping has to fit the model, or it is not checked."""
    parts = typing.get_args(hint)
    if any(inspect.isclass(part) and issubclass(part, BaseModel) for part in parts):
        return typing.Union[tuple(part for part in parts if typing.get_origin(part) is not dict)]  # noqa: UP007
    return hint


def _plain(hint: Any) -> Any:
    """`X | None` → `X`."""
    arguments = [argument for argument in typing.get_args(hint) if argument is not type(None)]
    return arguments[0] if arguments else hint
