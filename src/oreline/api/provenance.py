"""Where rows come from: the place that an error names, the data's own columns, the data that a model was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline import registry
from oreline.api.choose import has_class_of_plain_text
from oreline.dialogue import FOUND_BY_NAME
from oreline.errors import DataError, UsageError, did_you_mean
from oreline.runtime.open import open_task
from oreline.store import Artifact
from oreline.tasks.reading import fitting
from oreline.types import FRAME
from oreline.values import naming

if TYPE_CHECKING:
    from oreline.data.dataset import Dataset


_NO_LABELS = "; where nobody has labelled rows yet, --method zero_shot takes descriptions of the classes"


@contextmanager
def naming_source(data: Any, dataset: Dataset, task: str, *, needs_target: bool = True) -> Iterator[None]:
    """Name what the user gave where an error about the rows names no place, or only the folder they were refined into.

    Raises `DataError` for raw data without a column that the task needs.
    """
    given = str(data) if isinstance(data, str | Path) else str(dataset.path)
    plug = registry.get("task", task)
    columns = [name for name in dataset.manifest.columns if name != "row_id"]
    needed = (*plug.inputs, plug.target) if needs_target else plug.inputs
    lacking = next((role for role in needed if role not in columns), None)
    is_raw = Path(given.partition("#")[0]).absolute() != dataset.path.absolute()
    if lacking and is_raw:
        fits = fitting(columns)
        unlabelled = not fits and lacking == "label" and has_class_of_plain_text(task)
        raise DataError(
            f"no column has the role {lacking!r}",
            where=given,
            allowed=did_you_mean(lacking, columns),
            remedy=" or ".join(filter(None, (naming(lacking), fits))) + (_NO_LABELS if unlabelled else ""),
        )
    try:
        yield
    except DataError as error:
        error.where = error.where or given
        raise


def columns_of(artifact: Artifact) -> dict[str, str]:
    """Return the data's own column name for each role that the model's task reads or predicts."""
    if artifact.manifest.task == "none":
        return {}
    task = open_task(artifact)
    known = artifact.manifest.columns
    roles = (*task.inputs, *target_roles(task), "messages", "head", "tail")
    found = {role: known[role][0] for role in roles if known.get(role)}
    # Dialogues of another form than the training rows' are found by their columns' own names.
    return {role: name for role, name in found.items() if role != "messages" or name not in FOUND_BY_NAME}


def target_roles(task: Any) -> tuple[str, ...]:
    """Return the roles of the columns that a task, or its plug, learns to answer."""
    return ("label", "tags") if task.target == FRAME else (task.target, *getattr(task, "beside", ()))


def training_data(artifact: Artifact) -> Dataset:
    """Return the dataset a model was trained on. Raises `UsageError` when it is gone or another one by now."""
    recorded = artifact.manifest.data
    where = str(recorded.get("path") or artifact.path)
    return dataset_as_it_was(str(recorded.get("path") or "."), recorded.get("fingerprint"), where=where)


def dataset_as_it_was(path: str, fingerprint: Any, *, where: str | None = None) -> Dataset:
    """Return the dataset in a folder, if it is still the one with this fingerprint; else raise `UsageError`."""
    from oreline.data.dataset import DATASET, Dataset

    if (Path(path) / DATASET).is_file():
        found = Dataset.open(path)
        if found.fingerprint == fingerprint:
            return found
    raise UsageError(
        "the data that the model was trained with is not there any more, or is another one by now",
        where=where or path,
        remedy="name a dataset with --data",
    )
