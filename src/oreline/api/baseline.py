"""The honest baseline that stands in every evaluation: character n-grams with a linear layer, on the same rows.

Of tasks that answer with texts: the beginning of what is read, as long as answers are on average.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from oreline import registry
from oreline.api import build, choose, names
from oreline.api.provenance import training_data
from oreline.errors import OrelineError
from oreline.runtime.open import open_runtime
from oreline.types import Event, OnEvent

if TYPE_CHECKING:
    from oreline.store import Artifact
    from oreline.types import Runtime

NONE = "none"
"""What asks for an evaluation without a baseline."""
MAX_ROWS = 50_000
"""Training rows up to which a baseline is made without being asked for: some tens of seconds."""


def default_baseline(artifact: Artifact, *, seed: int, on_event: OnEvent) -> Runtime | None:
    """Return a simple model of the rows that a model was trained on, made once and kept beside other outputs.

    None, with the reason said, where there is none to be had: the rows are gone or too many, the task is of another
    kind, or scikit-learn is not installed.
    """
    if artifact.manifest.runtime in ("linear", "lead"):
        return None
    plug = registry.get("task", artifact.manifest.task)
    if plug.view in choose.BY_WORD or hasattr(plug, "method"):
        on_event(Event("baseline", message=f"no baseline: the task {artifact.manifest.task} has none"))
        return None
    try:
        data = training_data(artifact)
        num_rows = data.num_rows("train" if "train" in data.splits else data.splits[0])
        if num_rows > MAX_ROWS:
            on_event(Event("baseline", message=f"no baseline: {num_rows:,} training rows; name one with --baseline"))
            return None
        key = hashlib.sha256(f"{data.fingerprint} {artifact.manifest.task} {seed}".encode()).hexdigest()[:12]
        out = names.runs_folder() / f"baseline-{key}"
        method = "lead" if plug.view == "texts" else "linear"
        if not out.exists():
            on_event(Event("baseline", message=f"making a {method} baseline of {num_rows:,} rows in {out}"))
            given = (artifact.manifest.recipe.get("options") or {}).get("task_options")
            task = artifact.manifest.task
            build.finetune(None, data, task=task, task_options=given, method=method, out=out, seed=seed)
        return open_runtime(out)
    except OrelineError as error:
        on_event(Event("baseline", message=f"no baseline: {error.what}"))
        return None


def chosen_baseline(given: Any, artifact: Artifact, *, seed: int, on_event: OnEvent) -> Runtime | None:
    """Return the baseline that was asked for: a model, `none`, or (None) the default one."""
    if given is None:
        return default_baseline(artifact, seed=seed, on_event=on_event)
    return None if given == NONE else open_runtime(names.model_path(given))
