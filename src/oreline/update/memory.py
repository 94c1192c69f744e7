"""What a model remembers of its training: its rows, their hashes, the ancestor whose weights can be trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from oreline.data.dataset import DATASET, Dataset
from oreline.data.fold import row_hashes
from oreline.data.targets import labelled_frame
from oreline.errors import ArtifactError
from oreline.runtime.samples import read_samples
from oreline.store import MANIFEST, TRAIN_ROWS, Artifact
from oreline.tasks.reading import identity
from oreline.types import Task
from oreline.update.rows import Known

DATA = "data"
"""Folder of a home in which the rows of each update lie."""


def trainable(artifact: Artifact, home: Path) -> Artifact:
    """Return the artifact whose weights an update trains: the model itself, or what a compressed one was made from.

    Ancestors are looked for among the home's versions, then where the lineage says they lay.

    Raises `ArtifactError` when the model cannot be trained and no such ancestor is there any more.
    """
    if artifact.manifest.runtime != "onnx":
        return artifact
    # The nearest ancestor that was trained, and no older one, which would not know what was learnt since.
    trained = (entry for entry in artifact.manifest.lineage if entry.get("verb") != "compress")
    origin = next(trained, {"id": "", "path": ""})
    for folder in (home / "versions" / str(origin["id"])[:12], Path(str(origin["path"]))):
        if found := _opened(folder, str(origin["id"])):
            return found
    raise ArtifactError(
        "a compressed model cannot be trained, and the model it was made from is not there any more",
        where=str(origin["path"] or artifact.path),
        remedy="put that folder back, or fine-tune and compress anew",
    )


def remember(models: Sequence[Artifact], task: Task, golden: pl.DataFrame, home: Path) -> Known:
    """Return what is known of some models of one line: the served one and the one that is trained.

    The old rows come from the datasets the line was trained on, as far as they are still there unaltered; where none
    is, from the sample that each model carries.
    """
    trained = [np.fromfile(model.file(TRAIN_ROWS), dtype="<u8") for model in models if model.has(TRAIN_ROWS)]
    sources = tuple(_datasets(models[-1].manifest.data, home))
    columns = ["row_id", *task.inputs, task.target]
    frames = [
        labelled_frame(data, "train" if "train" in data.splits else data.splits[0], task, columns) for data in sources
    ]
    old = pl.concat(frames) if frames else read_samples(models[-1], "replay").select(columns)
    return Known(
        trained=np.unique(np.concatenate([np.zeros(0, np.uint64), *trained])).astype(np.uint64),
        golden=row_hashes(golden, task.inputs),
        old=_distinct(_known(old, task), identity(task)),
        reference=_known(read_samples(models[-1], "reference").select(columns), task),
        sources=sources,
    )


def _opened(folder: Path, wanted_id: str) -> Artifact | None:
    if not (folder / MANIFEST).is_file():
        return None
    found = Artifact.open(folder)
    return found if found.id == wanted_id else None


def _datasets(recorded: dict[str, Any], home: Path) -> Iterator[Dataset]:
    """Yield the dataset that a model was trained on and, where it is of an update, those before it."""
    folders: Iterable[Path] = [Path(str(recorded.get("path") or "?")), *sorted((home / DATA).glob("*"))]
    for folder in folders:
        if not (folder / DATASET).is_file():
            continue
        data = Dataset.open(folder)
        if data.fingerprint == recorded.get("fingerprint"):
            yield data
            for entry in data.manifest.lineage:
                for before in entry.get("old", ()) if entry.get("verb") == "update" else ():
                    yield from _datasets_once(Path(before), {data.path})
            return


def _datasets_once(folder: Path, seen: set[Path]) -> Iterator[Dataset]:
    if folder not in seen and (folder / DATASET).is_file():
        seen.add(folder)
        yield Dataset.open(folder)


def _known(frame: pl.DataFrame, task: Task) -> pl.DataFrame:
    """Return the rows whose target the task knows."""
    return frame.filter([task.knows(target) for target in frame[task.target].to_list()])


def _distinct(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return each row once: a replayed one occurs in the data of several updates."""
    hashes: NDArray[np.uint64] = row_hashes(frame, columns)
    _, first = np.unique(hashes, return_index=True)
    return frame[np.sort(first)]
