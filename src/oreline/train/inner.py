"""Methods inside a method: train a model on some rows, and answer others with it.

Shape suffixes: N rows, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oreline import registry, store
from oreline.errors import UsageError
from oreline.runtime.open import open_runtime
from oreline.store import Artifact, Manifest
from oreline.train.job import Job, Method, Outcome, Rows, named_method
from oreline.train.workspace import Workspace
from oreline.types import Columns, Event

if TYPE_CHECKING:
    from numpy.typing import NDArray

SOFT = ("full", "adapter")
"""Methods whose loss takes a share for each class."""


@dataclass(frozen=True, slots=True)
class Inner:
    """The method that trains each of several models, with the job they are part of."""

    job: Job
    name: str
    method: Method

    def train(
        self,
        rows: Rows,
        place: str,
        *,
        start: Path | None = None,
        told: Callable[[Event], Event] = lambda event: event,
    ) -> Outcome:
        """Train on other rows in a workspace of its own, `place` in the job's; what it resolved before is kept to.

        Args:
            rows: what it is trained on.
            place: a name that no other model of the job has.
            start: another start model than the job's.
            told: changes what is told: the forecast of the first model is said for all of them.
        """
        work = Workspace(self.job.work.folder / place)
        work.claim({"place": place})
        resolved = ((self.job.resolved or {}).get("inner") or {}).get(place)
        job = replace(
            self.job,
            start=start or self.job.start,
            train=rows,
            work=work,
            logs=work.folder / "logs",
            resolved=resolved,
            on_event=lambda event: self.job.on_event(told(event)),
        )
        return self.method.train(job)

    def model_folder(self, place: str) -> Path:
        """Return where a model lies that has answered rows."""
        return self.job.work.folder / place / "model"

    def scores(self, outcome: Outcome, columns: Columns, place: str) -> NDArray[np.float32]:
        """Return a trained model's scores for rows, (N, K)."""
        folder = self.model_folder(place)
        folder.mkdir(parents=True, exist_ok=True)
        outcome.save(folder)
        manifest = Manifest(
            runtime=self.method.runtime,
            task=self.job.task_name,
            task_options=self.job.task.options,
            max_tokens=outcome.max_tokens,
        )
        runtime = open_runtime(Artifact(folder, store.seal(folder, manifest)))
        found: NDArray[np.float32] = runtime.predict(columns).outputs["scores"]
        return found


def inner(job: Job, outer: str, name: str, options: Mapping[str, Any]) -> Inner:
    """Build the method inside another. Raises `UsageError` for one that cannot be, or a task without classes."""
    if job.task.view != "classes":
        raise UsageError(
            f"the method {outer!r} needs a probability for each class",
            allowed="a task with one class a row",
            remedy=f"--method {name}",
        )
    named, its_options = named_method(name, options)
    if named not in (*SOFT, "linear", "head"):
        raise UsageError(
            f"{outer} cannot train by {name!r}",
            allowed="full, head, linear, or an adapter such as lora",
            remedy="--set method_options.method=full",
        )
    return Inner(job, named, registry.create("method", named, **its_options))


def part_of(rows: Rows, chosen_N: NDArray[np.int64]) -> Rows:
    """Return some rows, in the given order."""
    columns = {role: [values[row] for row in chosen_N] for role, values in rows.columns.items()}
    soft_NK = rows.soft_NK[chosen_N] if rows.soft_NK is not None else None
    weights_N = rows.weights_N[chosen_N] if rows.weights_N is not None else None
    return Rows(columns, rows.targets[chosen_N], soft_NK, weights_N)


def remember(file: Path, **arrays: NDArray[Any]) -> None:
    """Write arrays that a continued training does not compute again; a kill leaves all of them or none."""
    temporary = file.with_suffix(".new.npz")
    with store.translating(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(temporary, allow_pickle=False, **arrays)
        temporary.replace(file)


def remembered(file: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file; none where there is no such file. Nothing in it is unpickled."""
    if not file.is_file():
        return {}
    with np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
