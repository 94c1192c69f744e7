"""`oreline init`: look at raw data and write a commented recipe that fits them and this machine."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from oreline import store
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

    Raises `DataError` when the data cannot be read, no column looks like text, or none like a label.
    """
    from oreline.data.profile import profile

    found = profile(data)
    roles = {**found.roles, **names.catalog_roles(data)}
    if "label" not in roles:
        raise DataError(
            "no column looks like a label",
            where=found.source,
            allowed="columns: " + ", ".join(column.name for column in found.columns),
            remedy="write the recipe by hand with label: COLUMN, or pretrain on the texts alone: oreline pretrain "
            + data,
        )
    num_train = round(found.num_rows * names.DEFAULT_SPLIT["train"])
    try:
        method, start, why = choose.decide(num_train, _texts(data, roles["text"]), None, num_classes=len(found.classes))
    except ResourceError as error:  # what cannot be fetched cannot be trained: a recipe that runs here
        method, start, why = "linear", None, f"the start model is not here: {error.what}"
    options: dict[str, Any] = {"data": data, "text": roles["text"], "method": method, "start": start}
    estimated = estimate_training("finetune", options)
    if burden := _too_much(method, estimated):
        method, why = "head", f"{burden}; the head alone is trained, on embeddings that are computed once"
        options["method"] = method
        estimated = estimate_training("finetune", options)
    name = Path(data.removeprefix(names.CATALOG)).stem or "data"
    text = _recipe(name, data, roles, method, start, _balance(found)[1])
    comments = _comments(found, roles, why, estimated) + (_NETWORK if _has_rows_for_a_network(found, method) else "")
    return NewRecipe(
        "\n".join(f"# {line}".rstrip() for line in comments.splitlines()) + "\n\n" + text,
        {**_facts(found, roles), "start": start, "method": f"{method}: {why}", **_costs(estimated)},
    )


def _has_rows_for_a_network(found: Profile, method: str) -> bool:
    """Whether a network from nothing is worth a try: no pretrained start model fits, and rows are many."""
    return method == "linear" and found.num_rows >= NETWORK_ROWS


def _too_much(method: str, estimated: Estimated) -> str:
    """Return why training all weights is too much for this machine; empty where it is not."""
    if method != "full" or estimated.seconds is None:
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
        f"rows        {rows}; {found.num_sampled:,} of them looked at",
        f"language    {_LANGUAGES[found.language]}, {found.mean_characters:.0f} characters a text",
        f"classes     {_balance(found)[0]}",
        f"duplicates  {found.num_duplicates:,} rows whose text occurred before, {found.num_conflicts:,} texts with "
        "different labels",
        f"missing     {found.num_missing_text:,} texts, {found.num_missing_label:,} labels",
        f"method      {why}",
        f"machine     {here.processor}, {here.num_cores} cores, {here.free_memory_bytes / 2**30:.0f} GiB free",
    ]
    if seconds:
        lines.append(f"fine-tuning takes about {seconds} and {memory} of memory here, evaluation not counted")
    missing = [role for role in ("group", "time") if role not in roles]
    if "group" in missing:
        lines += ["", "No column looks like a group (author, product, conversation, …). If rows belong together, add"]
        lines += ["`group: COLUMN` to refine: they stay in one split, and the test stays honest."]
    return "\n".join(lines)


def _recipe(name: str, data: str, roles: dict[str, str], method: str, start: str | None, unequal: bool) -> str:
    columns = "\n".join(f"      {role}: {_quoted(column)}" for role, column in roles.items())
    time = "  # the splits follow time: the newest rows are for test" if "time" in roles else ""
    train = "\n      train: {class_weights: balanced}  # the classes are unequal" if unequal else ""
    first = "" if start is None else f"      start: {start}\n"
    compress = "" if method == "linear" else _COMPRESS
    return f"""name: {_quoted(name)}
out: {_quoted(f"runs/{name}")}
seed: 0
steps:
  - refine:{time}
      as: rows
      data: {_quoted(data)}
{columns}
      split: {{train: 0.8, dev: 0.1, test: 0.1}}
  - finetune:
      as: baseline
      data: rows
      method: linear  # character n-grams: what the simplest thing reaches
  - finetune:
      as: model
      data: rows
      task: text_classification
      method: {method}
{first}{train.removeprefix(chr(10))}{chr(10) if train else ""}  - evaluate:
      model: model
      data: rows
      baseline: baseline
{compress}"""


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
        "roles": roles,
        "language": found.language,
        "classes": dict(found.classes),
        "duplicates": found.num_duplicates,
        "conflicts": found.num_conflicts,
    }


def _texts(data: str, column: str) -> list[str]:
    from oreline.data.sources import frames

    frame = next(iter(frames(data, rows=SAMPLE_TEXTS)))
    return [str(text) for text in frame[column].drop_nulls()]


def _quoted(value: str) -> str:
    """JSON strings are YAML strings; what YAML reads as the same word without quotes stays plain."""
    is_plain = re.fullmatch(r"[^\W\d][\w./-]*", value) and yaml.safe_load(value) == value
    return value if is_plain else json.dumps(value, ensure_ascii=False)
