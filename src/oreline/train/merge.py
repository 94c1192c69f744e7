"""Merge: fold an adapter into the weights of its base, and write a whole model."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from oreline import registry, store
from oreline.errors import UsageError
from oreline.models.adapted import open_classifier
from oreline.models.adapting import fold, refuse_unmergeable
from oreline.models.base import ONE_OF_ENSEMBLE, base_folder, is_adapted, read_record, refuse_ensemble
from oreline.models.load import save_model
from oreline.report.report import Report
from oreline.runtime.open import open_task
from oreline.store import TASK_ARRAYS, TRAIN_ROWS, Artifact, Manifest
from oreline.train.artifact import lineage, sealed_anew
from oreline.train.encoder import copy_tokenizer
from oreline.train.generator import write_files
from oreline.train.unmerge import keep_adapter
from oreline.types import Estimate


def merge(artifact: Artifact, *, out: str | Path, force: bool = False) -> Artifact:
    """Write the model that an adapter and its base are together; answers differ in the last digits of a float.

    Task, labels, thresholds and figures are the adapter's; sample rows are answered anew. The adapter is kept inside,
    so that `unmerge` gives it back.

    Args:
        artifact: a model with an adapter.
        out: the new artifact's folder.
        force: replace `out` if it exists.

    Raises:
        UsageError: the model has no adapter, or one that is no change of weights, or `out` exists.
        ArtifactError: the base is not there, or is another one by now.
    """
    store.refuse_existing(out, force=force)
    refuse_whole(artifact)
    task = open_task(artifact)
    registry.get("head", task.head)
    torch.manual_seed(0)
    model = open_classifier(artifact.path, len(task.labels))
    fold(model)
    with store.writing(out, force=force) as folder:
        save_model(model, folder, labels=() if task.view == "texts" else task.labels)
        copy_tokenizer(base_folder(artifact.path), folder)
        write_files(task, folder)
        for name in (TRAIN_ROWS, TASK_ARRAYS):
            if artifact.has(name):
                shutil.copyfile(artifact.file(name), folder / name)
        keep_adapter(artifact, folder)
        size_bytes = sealed_anew(folder, _manifest(artifact), artifact).size_bytes()
        _report(artifact, size_bytes).save(folder)
        kept = {name: artifact.measurements()[name] for name in ("train_s", "rows") if name in artifact.measurements()}
        store.write_json(folder / store.MEASUREMENTS, {**kept, "size_bytes": size_bytes})
    return Artifact.open(out, verify=False)  # its sums have just been taken


def refuse_whole(artifact: Artifact) -> None:
    """Raise `UsageError` unless a model is an adapter that can be merged."""
    refuse_ensemble(artifact.path, ONE_OF_ENSEMBLE)
    if not is_adapted(artifact.path):
        raise UsageError(
            "the model has no adapter: it is whole already",
            where=str(artifact.path),
            allowed="a model trained by the method adapter, such as --method lora",
            remedy="use it as it is; several whole models are joined: oreline merge MODEL MODEL …",
        )
    refuse_unmergeable(read_record(artifact.path)["adapter"])


def _report(artifact: Artifact, size_bytes: int) -> Report:
    record = read_record(artifact.path)
    return Report(
        verb="merge",
        title=f"Merged: the adapter {record['adapter']} in its base",
        subject={"adapter": artifact.version, "base": str(record["base"]["name"] or record["base"]["path"])},
        metrics={name: Estimate(**value) for name, value in artifact.manifest.metrics.items()},
        facts={**record["weights"], "size_bytes": size_bytes, "size_bytes_before": artifact.size_bytes()},
    )


def _manifest(artifact: Artifact) -> Manifest:
    """Return the adapter's manifest, of which an update trains all weights, at the rate of full fine-tuning."""
    made = artifact.manifest
    options: dict[str, Any] = made.recipe["options"]
    recorded = {
        **options,
        "model": str(artifact.path.absolute()),
        "method": "full",
        "method_options": {},
        "train": {**options["train"], "learning_rate": None},
    }
    changes = {
        "recipe": {"verb": "merge", "options": recorded, "resolved": {}},
        "lineage": lineage(artifact.path),
        "golden": [],
        "files": {},
        "id": "",
        "oreline": version("oreline"),
    }
    return made.model_copy(update=changes)
