"""One update, prepared: what is trained on what, how, and where its pieces lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from oreline import registry
from oreline.data.dataset import Dataset
from oreline.data.targets import labelled_frame
from oreline.errors import DataError, UsageError, did_you_mean
from oreline.recipe import TrainOptions
from oreline.store import Artifact
from oreline.train.job import named_method
from oreline.types import Event, OnEvent, Task
from oreline.update.merge import Merge
from oreline.update.rows import Division, Known

RATE_SHARE = 0.1
"""An update learns at this share of the rate the model was trained at: the weights are near their place already. The
next one learns at the same rate, and not at a share of a share."""
EPOCHS = 2.0
"""Passes over the rows of an update where the caller does not say."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One update, prepared."""

    champion: Artifact
    base: Artifact
    """The model that is trained: the champion, or what a compressed champion was made from."""
    fresh: Dataset
    gate_data: Dataset
    gate_split: str
    max_drop: float
    home: Path
    key: str
    known: Known
    division: Division
    options: TrainOptions
    seed: int
    on_event: OnEvent
    merge: Merge | None = None
    """How the updated weights are merged with those before."""

    @property
    def work(self) -> Path:
        """Where what is in progress lies."""
        return self.home / "work" / self.key

    def say(self, message: str) -> None:
        """Tell the user one sentence."""
        self.on_event(Event("update", message=message))

    def subject(self, challenger: str = "") -> dict[str, str]:
        """Return what a report of this update is about."""
        return {
            "champion": self.champion.version,
            **({"challenger": challenger} if challenger else {}),
            "fresh": self.fresh.fingerprint[:12],
            "golden": f"{self.gate_data.fingerprint[:12]}, split {self.gate_split}",
            "home": str(self.home),
        }

    def warnings(self) -> list[str]:
        """Return what the user should know of the rows."""
        if self.known.sources:
            return []
        num_trained = int(self.base.manifest.data.get("rows", 0))
        return [
            "the data the model was trained on is not there any more: old rows come from the "
            f"{self.known.old.height:,} of {num_trained:,} that the model carries"
        ]

    def training_seconds(self) -> float | None:
        """Scale the time of the model's last training by rows and passes; None where nothing was measured."""
        measured = self.base.measurements()
        if not measured.get("train_s") or not measured.get("rows"):
            return None
        passes = 1.0
        if "steps" in measured:
            before = self.base.manifest.recipe["options"]["train"]["rows_per_step"]
            passes = self.options.epochs / (measured["steps"] * before / measured["rows"])
        seconds_a_row = float(measured["train_s"]) / float(measured["rows"])
        return round(seconds_a_row * passes * self.division.train.height, 1)


def key_of(model: Artifact, fresh: Dataset, gate_data: Dataset, gate_split: str, *choices: Any) -> str:
    """Return 12 digits that stand for all that decides the result of an update."""
    content = [model.id, fresh.fingerprint, fresh.splits, gate_data.fingerprint, gate_split]
    # What the caller left open is filled in later, so what was set counts beside the values.
    options = [
        [choice.model_dump(), sorted(choice.model_fields_set)] if isinstance(choice, TrainOptions) else choice
        for choice in choices
    ]
    return hashlib.sha256(json.dumps([content, options], sort_keys=True, default=str).encode()).hexdigest()[:12]


def labelled(data: Dataset, splits: Sequence[str], task: Task) -> pl.DataFrame:
    """Return the rows of some splits: `row_id`, inputs, target and, where there is one, group."""
    for role in (*task.inputs, task.target):
        if role not in data.manifest.columns:
            raise DataError(
                f"the dataset has no column with the role {role!r}",
                where=str(data.path),
                allowed=did_you_mean(role, data.manifest.columns),
                remedy=f"name it: --{role} COLUMN",
            )
    columns = ["row_id", *task.inputs, task.target, *(["group"] if "group" in data.manifest.columns else [])]
    return pl.concat([labelled_frame(data, split, task, columns) for split in splits])


def refuse_untrained(base: Artifact) -> None:
    """Raise `UsageError` for a model of a method that learns from no row: an update would change nothing."""
    method = str(base.manifest.recipe["options"]["method"])
    if not getattr(registry.get("method", method), "trains", True):
        raise UsageError(
            f"the model was made by the method {method!r}, which learns from no row",
            where=str(base.path),
            remedy=f"train on the rows that you have: oreline finetune ROWS --start {base.path}",
        )


def train_options(options: TrainOptions, base: Artifact) -> TrainOptions:
    """Fill in what the caller left open: few passes, at a low rate, with the model's own length."""
    given = options.model_fields_set
    changes: dict[str, Any] = {}
    if "epochs" not in given:
        changes["epochs"] = EPOCHS
    if "learning_rate" not in given and (rate := _learning_rate(base)):
        changes["learning_rate"] = rate if base.manifest.data.get("verb") == "update" else RATE_SHARE * rate
    if "max_tokens" not in given and base.manifest.max_tokens:
        changes["max_tokens"] = base.manifest.max_tokens
    return options.model_copy(update=changes)


def method_of(base: Artifact) -> tuple[str, dict[str, Any]]:
    """Return the method that trained a model, with its options, as an update trains it on.

    Of one that learns from unlabelled rows too it is the method inside: all rows of an update have labels.
    """
    recorded = base.manifest.recipe["options"]
    method = registry.create("method", recorded["method"], **recorded["method_options"])
    if getattr(method, "reads_more", False):
        return named_method(method.method, method.method_options or {})
    return recorded["method"], recorded["method_options"]


def _learning_rate(base: Artifact) -> float | None:
    """Return the rate a model was trained at; None for a method that has none, and fits its weights anew each time."""
    name, options = method_of(base)
    usual: float | None = getattr(registry.create("method", name, **options), "learning_rate", None)
    return usual and float(base.manifest.recipe["options"]["train"].get("learning_rate") or usual)


def options_of_policy(policy: str, options: dict[str, Any], base: Artifact) -> dict[str, Any]:
    """Return the policy's options, where a model that is fitted anew by default is shown all the old rows."""
    has_option = any(option.name == "old_per_fresh" for option in registry.options_of(registry.get("policy", policy)))
    if has_option and _learning_rate(base) is None:
        return {"old_per_fresh": None, **options}
    return options
