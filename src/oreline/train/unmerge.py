"""Un-merge: from a model that an adapter was folded into, back to the adapter beside its base.

What was added to weights is not subtracted again, which would leave the base wrong in its last digits. A merged model
keeps its adapter (some hundred kilobytes), which names its base by content: that base comes back bit by bit.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from oreline import store
from oreline.errors import UsageError
from oreline.models.base import ADAPTER, base_folder, read_record
from oreline.report.report import Report
from oreline.store import TASK_ARRAYS, TRAIN_ROWS, Artifact
from oreline.train.artifact import sealed_anew
from oreline.types import Estimate

KEPT = "unmerged"
"""Folder of a merged model with what its adapter's artifact has of its own."""
MADE_OF = "manifest.json"
"""The adapter's manifest there."""
_SHARED = (TRAIN_ROWS, TASK_ARRAYS)
"""Files that a merged model has as its adapter has them."""
_MADE_ANEW = ("samples.parquet", "README.md")


def keep_adapter(artifact: Artifact, folder: Path) -> None:
    """Put what an adapter's artifact has of its own into the merged model that is being written."""
    place = folder / KEPT
    place.mkdir()
    for name in artifact.manifest.files:
        if name not in (*_SHARED, *_MADE_ANEW):
            shutil.copyfile(artifact.file(name), place / name)
    store.write_json(place / MADE_OF, artifact.manifest.model_dump())


def unmerge(artifact: Artifact, *, out: str | Path, force: bool = False) -> Artifact:
    """Write the adapter that a merged model was made of; with its base, it answers as it did before it was merged.

    Args:
        artifact: a merged model.
        out: the new artifact's folder.
        force: replace `out` if it exists.

    Raises:
        UsageError: the model is none that an adapter was folded into, or `out` exists.
        ArtifactError: the base is not there, or is another one by now.
    """
    store.refuse_existing(out, force=force)
    refuse_unmerged(artifact)
    kept = artifact.path / KEPT
    base_folder(kept)  # says where it was looked for, before anything is written
    manifest = store.Manifest.model_validate_json((kept / MADE_OF).read_text(encoding="utf-8"))
    manifest = manifest.model_copy(update={"files": {}, "golden": [], "id": ""})
    with store.writing(out, force=force) as folder:
        for file in sorted(kept.iterdir()):
            if file.name != MADE_OF:
                shutil.copyfile(file, folder / file.name)
        for name in _SHARED:
            if artifact.has(name):
                shutil.copyfile(artifact.file(name), folder / name)
        size_bytes = sealed_anew(folder, manifest, artifact).size_bytes()
        _report(artifact, folder, size_bytes).save(folder)
        store.write_json(folder / store.MEASUREMENTS, {"size_bytes": size_bytes})
    return Artifact.open(out, verify=False)  # its sums have just been taken


def refuse_unmerged(artifact: Artifact) -> None:
    """Raise `UsageError` for a model that holds no adapter that was folded into it."""
    if (artifact.path / KEPT / ADAPTER).is_file():
        return
    merged = artifact.manifest.recipe.get("verb") == "merge"
    raise UsageError(
        "there is nothing to take out again: " + ("it was joined of whole models, or by an earlier version" if merged
        else "no adapter was folded into this model, or it was trained on since"),
        where=str(artifact.path),
        allowed="what `oreline merge MODEL` wrote of a model with an adapter",
        remedy="take the model that it was made of; its model card names it",
    )  # fmt: skip


def _report(artifact: Artifact, folder: Path, size_bytes: int) -> Report:
    record = read_record(folder)
    return Report(
        verb="merge",
        title=f"Taken out again: the adapter {record['adapter']}, beside its base",
        subject={"merged": artifact.version, "base": str(record["base"]["name"] or record["base"]["path"])},
        metrics={name: Estimate(**value) for name, value in artifact.manifest.metrics.items()},
        facts={**record["weights"], "size_bytes": size_bytes, "size_bytes_before": artifact.size_bytes()},
    )
