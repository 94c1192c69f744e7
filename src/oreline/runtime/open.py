"""Open an artifact for predicting, with the runtime that its manifest names."""

from __future__ import annotations

from pathlib import Path

from oreline import registry
from oreline.errors import ArtifactError
from oreline.store import Artifact
from oreline.types import Runtime, Task


def open_runtime(model: Artifact | str | Path, *, threads: int | None = None) -> Runtime:
    """Open a model for predicting.

    Args:
        model: an artifact, or a path that `Artifact.open` takes.
        threads: CPU threads; all cores when not set.

    Raises:
        ArtifactError: the folder is damaged, or holds a pretrained encoder without a task.
        MissingExtraError: the runtime's packages are not installed.
    """
    artifact = model if isinstance(model, Artifact) else Artifact.open(model)
    if artifact.manifest.task == "none":
        raise ArtifactError(
            "this is a pretrained encoder: it has no task yet",
            where=str(artifact.path),
            remedy="fine-tune it: oreline finetune DATA --start " + str(artifact.path),
        )
    runtime: Runtime = registry.get("runtime", artifact.manifest.runtime)(artifact, threads=threads)
    return runtime


def open_task(artifact: Artifact) -> Task:
    """Rebuild the task that an artifact was trained for."""
    task: Task = registry.create("task", artifact.manifest.task, **artifact.manifest.task_options)
    return task
