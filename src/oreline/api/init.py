"""`oreline init`: look at raw data and write a commented recipe that fits them and this machine."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from oreline import registry, store
from oreline.api import choose, names
from oreline.api.estimates import Estimated
from oreline.api.extras import names_missing_extras
from oreline.api.machine import machine
from oreline.api.training_estimates import estimate_training
from oreline.errors import DataError, ResourceError, UsageError

if TYPE_CHECKING:
    from oreline.data.profile import Profile

SAMPLE_TEXTS = 500
PATIENCE_S = 4 * 3600.0
"""A recipe that a newcomer is handed does not train for longer."""
NETWORK_ROWS = 20_000
"""Rows from which a network without pretraining is spoken of; on 6,900 of sst2 n-grams were better."""
TEXT_CLASSIFICATION = "text_classification"
NO_START = "PATH_OF_A_MODEL"
"""Stands for a start model that only the user can name."""
_OWN_KEYS = ("text", "label", "group", "time")
"""Roles that are keys of the step `refine`; others stand under its `roles`."""
_LANGUAGES = {"en": "English", "zh": "Chinese", "other": "neither English nor Chinese"}


@dataclass(frozen=True, slots=True)
class NewRecipe:
    """A recipe's text, and what was found in the data, JSON-ready."""

    text: str
    found: dict[str, Any]

    def save(self, out: str | Path, *, force: bool = False) -> None:
        """Write the recipe. Raises `UsageError` when the file exists and `force` is not set."""
        file = Path(out)
        if file.exists() and not force:
            raise UsageError(f"{out} exists already", remedy="choose another --out, or add --force to replace it")
        with store.translating(file):
            file.parent.mkdir(parents=True, exist_ok=True)
        store.write_text(file, self.text)

    def summary(self, out: str) -> str:
        """Return what the user is told after the recipe was written."""
        return f"{out} written: look at it, then run it\n  oreline run {out}\n\n" + "\n".join(
            f"  {name}: {value}" for name, value in self.found.items()
        )


@names_missing_extras
def write_recipe(data: str) -> NewRecipe:
    """Look at raw data and return a recipe for it.

    Raises `DataError` when the data cannot be read, no column looks like text, or nothing says what they are for.
    """
    from oreline.data.profile import profile

    found = profile(data)
    roles = {**found.roles, **names.catalog_roles(data)}
    if found.task == TEXT_CLASSIFICATION and "label" not in roles:
        raise DataError(
            "no column looks like a label",
            where=found.source,
            allowed="columns: " + ", ".join(column.name for column in found.columns),
            remedy="; ".join(
                (f"write the recipe by hand with label: COLUMN, or pretrain: oreline pretrain {data}", *found.notes)
            ),
        )
    method, start, why = _method(found, data, roles)
    estimated = Estimated(None)
    if start != NO_START:
        options = {"data": data, "text": _column_of_texts(roles), "task": found.task, "method": method, "start": start}
        estimated = estimate_training("finetune", options)
        if burden := _too_much(found.task, method, estimated):
            method, why = "head", f"{burden}; the head alone is trained, on embeddings that are computed once"
            estimated = estimate_training("finetune", {**options, "method": method})
    text = _recipe(found, data, roles, method, start)
    comments = _comments(found, roles, why, estimated) + (_NETWORK if _has_rows_for_a_network(found, method) else "")
    return NewRecipe(
        "\n".join(f"# {line}".rstrip() for line in comments.splitlines()) + "\n\n" + text,
        {**_facts(found, roles), "start": start, "method": f"{method}: {why}", **_costs(estimated)},
    )


def _method(found: Profile, data: str, roles: Mapping[str, str]) -> tuple[str, str | None, str]:
    """Return the method, the start model and the reason for both; what cannot be had here is left to the user."""
    plug = registry.get("task", found.task)
    if plug.view == "texts":
        return "full" if found.task == "seq2seq" else "lora", NO_START, "the start model has to be one that writes"
    num_train = round(found.num_rows * names.DEFAULT_SPLIT["train"])
    num_classes = len(found.classes) if choose.has_class_of_plain_text(found.task) else None
    try:
        method, start, why = choose.decide(num_train, _texts(data, roles["text"]), None, num_classes=num_classes)
    except ResourceError as error:  # what cannot be fetched cannot be trained: a recipe that runs here
        method, start, why = "linear", None, f"the start model is not here: {error.what}"
    only = getattr(plug, "method", "full" if plug.view in choose.BY_WORD else "")
    if only and method == "linear":
        return only, NO_START, f"{why}, and n-grams cannot do this"
    return only or method, start, f"what teaches {found.task}; the start model {start} knows the words" if only else why


def _column_of_texts(roles: Mapping[str, str]) -> str:
    return roles.get("text") or roles["messages"]


def _has_rows_for_a_network(found: Profile, method: str) -> bool:
    """Whether a network from nothing is worth a try: no pretrained start model fits, and rows are many."""
    return method == "linear" and found.num_rows >= NETWORK_ROWS


def _too_much(task: str, method: str, estimated: Estimated) -> str:
    """Return why training all weights is too much for this machine; empty where it is not, or there is no other way."""
    if registry.get("task", task).view == "answers" or method != "full" or estimated.seconds is None:
        return ""
    free_bytes = machine().free_memory_bytes
    if estimated.memory_bytes and estimated.memory_bytes > free_bytes:
        return f"training all weights takes {estimated.cells()[2]} of memory, and {free_bytes / 2**30:.1f} GiB are free"
    if min(estimated.seconds) > PATIENCE_S:
        return f"training all weights takes {estimated.cells()[1]} on this machine"
    return ""


def _comments(found: Profile, roles: dict[str, str], why: str, estimated: Estimated) -> str:
    here = machine()
    rows = f"{found.num_rows:,}" + ("" if found.num_rows_is_exact else " or so")
    _, seconds, memory, _ = estimated.cells()
    lines = [
        f"Written by `oreline init` after a look at {found.source}.",
        "",
        f"task        {found.task}: {found.why}",
        f"rows        {rows}; {found.num_sampled:,} of them looked at",
        f"language    {_LANGUAGES[found.language]}, {found.mean_characters:.0f} characters a text",
        *([f"classes     {_balance(found)[0]}"] if found.classes else []),
        f"duplicates  {found.num_duplicates:,} rows whose text occurred before"
        + (f", {found.num_conflicts:,} texts with different labels" if found.classes else ""),
        f"missing     {found.num_missing_text:,} texts"
        + (f", {found.num_missing_label:,} labels" if "label" in roles else ""),
        f"method      {why}",
        f"machine     {here.processor}, {here.num_cores} cores, {here.free_memory_bytes / 2**30:.0f} GiB free",
    ]
    lines += [f"warning     {note}" for note in found.notes]
    if seconds:
        lines.append(f"fine-tuning takes about {seconds} and {memory} of memory here, evaluation not counted")
    missing = [role for role in ("group", "time") if role not in roles]
    if "group" in missing:
        lines += ["", "No column looks like a group (author, product, conversation, …). If rows belong together, add"]
        lines += ["`group: COLUMN` to refine: they stay in one split, and the test stays honest."]
    return "\n".join(lines)


def _recipe(found: Profile, data: str, roles: Mapping[str, str], method: str, start: str | None) -> str:
    name = Path(data.removeprefix(names.CATALOG)).stem or "data"
    named = {role: column for role, column in roles.items() if role in _OWN_KEYS}
    columns = "".join(f"      {role}: {_quoted(column)}\n" for role, column in named.items())
    if others := [f"{role}: {_quoted(column)}" for role, column in roles.items() if role not in named]:
        columns += f"      roles: {{{', '.join(others)}}}\n"
    time = "  # the splits follow time: the newest rows are for test" if "time" in roles else ""
    is_classes = registry.get("task", found.task).view == "classes"
    unequal = is_classes and _balance(found)[1]
    train = "      train: {class_weights: balanced}  # the classes are unequal\n" if unequal else ""
    first = "" if start is None else f"      start: {start}{_TO_FILL_IN if start == NO_START else ''}\n"
    compress = "" if method == "linear" or registry.get("task", found.task).view == "texts" else _COMPRESS
    has_baseline = found.task == TEXT_CLASSIFICATION
    return f"""name: {_quoted(name)}
out: {_quoted(f"runs/{name}")}
seed: 0
steps:
  - refine:{time}
      as: rows
      data: {_quoted(data)}
{columns}      split: {{train: 0.8, dev: 0.1, test: 0.1}}
{_BASELINE if has_baseline else ""}  - finetune:
      as: model
      data: rows
      task: {found.task}
      method: {method}
{first}{train}  - evaluate:
      model: model
      data: rows
{"      baseline: baseline" + chr(10) if has_baseline else ""}{compress}"""


_BASELINE = """  - finetune:
      as: baseline
      data: rows
      method: linear  # character n-grams: what the simplest thing reaches
"""
_TO_FILL_IN = "  # name a folder or a hub id here, of a model that knows the language: the recipe stops without it"
_NETWORK = """

No pretrained start model fits, and rows are many: a network trained from nothing may do better than n-grams. A step
`- finetune: {as: network, data: rows, start: "new:bilstm"}` makes one; `compare: network` in evaluate sets them side by
side."""
_COMPRESS = """  - compress:
      model: model
      data: rows
      method: int8  # smaller and faster; the gate refuses it when it is worse
"""


def _balance(found: Profile) -> tuple[str, bool]:
    """Return the classes with their shares, and whether the largest has five times the rows of the smallest."""
    total = sum(found.classes.values())
    shown = [f"{label} {rows / total:.1%}" for label, rows in list(found.classes.items())[:10]]
    more = len(found.classes) - len(shown)
    sizes = list(found.classes.values())
    return ", ".join(shown) + (f" and {more} more" if more > 0 else ""), bool(sizes) and sizes[0] >= 5 * sizes[-1]


def _costs(estimated: Estimated) -> dict[str, str]:
    _, seconds, memory, _ = estimated.cells()
    return {"time": f"about {seconds}", "memory": f"about {memory}"} if seconds else {}


def _facts(found: Profile, roles: dict[str, str]) -> dict[str, Any]:
    return {
        "rows": found.num_rows,
        "task": f"{found.task}: {found.why}",
        "roles": roles,
        "language": found.language,
        **({"classes": dict(found.classes)} if found.classes else {}),
        "duplicates": found.num_duplicates,
        **({"conflicts": found.num_conflicts} if found.classes else {}),
        **({"warnings": list(found.notes)} if found.notes else {}),
    }


def _texts(data: str, column: str) -> list[str]:
    from oreline.data.sources import frames

    frame = next(iter(frames(data, rows=SAMPLE_TEXTS)))
    return [str(text) for text in frame[column].drop_nulls()]


def _quoted(value: str) -> str:
    """JSON strings are YAML strings; what YAML reads as the same word without quotes stays plain."""
    is_plain = re.fullmatch(r"[^\W\d][\w./-]*", value) and yaml.safe_load(value) == value
    return value if is_plain else json.dumps(value, ensure_ascii=False)
