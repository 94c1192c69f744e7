"""Open an artifact for predicting, with the runtime that its manifest names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file

from oreline import registry
from oreline.errors import ArtifactError, UsageError
from oreline.store import TASK_ARRAYS, Artifact
from oreline.types import Runtime, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray


def open_runtime(
    model: Artifact | str | Path, *, threads: int | None = None, generation: Mapping[str, Any] | None = None
) -> Runtime:
    """Open a model for predicting.

    Args:
        model: an artifact, or a path that `Artifact.open` takes.
        threads: CPU threads; all cores when not set.
        generation: how a model that writes texts does it, see `oreline.generation.Generation`; what is not given stays
            as it was trained.

    Raises:
        UsageError: `generation` for a model that writes no texts, or a wrong setting.
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
    if generation:
        if runtime.task.view != "texts" or not hasattr(runtime, "set_generation"):
            raise UsageError(
                f"generation says how texts are written, and a model of {artifact.manifest.task!r} writes none",
                where=str(artifact.path),
                remedy="leave generation out",
            )
        runtime.set_generation(generation)
    return runtime


def open_task(artifact: Artifact) -> Task:
    """Rebuild the task that an artifact was trained for."""
    task: Task = registry.create("task", artifact.manifest.task, **artifact.manifest.task_options)
    if artifact.has(TASK_ARRAYS):
        held: Task = getattr(task, "holding")(load_file(artifact.file(TASK_ARRAYS)))  # noqa: B009  few tasks have it
        return held
    return task


def reads_embedding(task: Task) -> bool:
    """Whether a task's scores follow from the embeddings, too."""
    return bool(getattr(task, "reads_embedding", False))


def scored(
    task: Task, logits_NK: NDArray[np.floating], embedding_ND: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """Return a task's scores of rows, (N, K), from their logits and, where it reads them, their embeddings."""
    if not reads_embedding(task):
        return task.activate(logits_NK)
    scores_NK: NDArray[np.float32] = getattr(task, "activate")(logits_NK, embedding_ND)  # noqa: B009
    return scores_NK
