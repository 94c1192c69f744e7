"""Write a trained model as an artifact: its files, samples, row hashes, card, report and lineage."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from safetensors.numpy import save_file

from oreline import store
from oreline.data.fold import row_hashes
from oreline.report.card import card
from oreline.report.report import Chart, Report
from oreline.report.report import Table as ReportTable
from oreline.runtime.open import open_runtime
from oreline.runtime.samples import recompute_samples, write_samples
from oreline.store import EVENTS, TASK_ARRAYS, TRAIN_ROWS, Artifact, Manifest
from oreline.tasks.reading import reading
from oreline.train.job import Job, Outcome
from oreline.types import Estimate, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from oreline.data.dataset import Dataset

EstimateDev = Callable[[Task, "NDArray[Any]", Mapping[str, "NDArray[Any]"]], Mapping[str, Estimate]]
"""`estimate(task, targets, outputs)` returns figures with intervals; handed in, like `job.Score`."""


def lineage(start: Path | None, origin: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Return the ancestors of what is trained from a start folder, nearest first.

    `origin` is what the user called a start model that is no artifact, and its licence: `{"name": …, "license": …}`.
    """
    if start is None:
        return []
    if not (start / store.MANIFEST).is_file():
        return [{"verb": "start", "id": "", "path": str(start.absolute()), **(origin or {})}]
    parent = store.read_manifest(start)
    entry = {"verb": str(parent.recipe.get("verb", "")), "id": parent.id, "path": str(start.absolute())}
    return [entry, *parent.lineage]


def dev_metrics(job: Job, outcome: Outcome, estimate: EstimateDev | None) -> dict[str, Any]:
    """Return the figures on dev for the manifest; nothing where there is no dev, or nobody estimates."""
    if estimate is None or job.dev is None:
        return {}
    if outcome.judged is not None and len(outcome.judged.targets):
        found = estimate(outcome.judged.task, outcome.judged.targets, {"scores": outcome.judged.scores})
    elif outcome.dev_outputs is not None:
        found = estimate(reading(job.task, job.dev.columns), job.dev.targets, outcome.dev_outputs)
    else:
        return {}
    return {name: value.to_json() for name, value in found.items()}


def write_artifact(
    folder: Path, manifest: Manifest, outcome: Outcome, job: Job, data: Dataset, frame: pl.DataFrame
) -> None:
    """Write everything that belongs to the artifact into a folder that is being written, and seal it."""
    outcome.save(folder)
    if arrays := getattr(job.task, "arrays", None):
        save_file(dict(arrays), folder / TASK_ARRAYS)
    write_train_rows(folder, frame, job.task.inputs, job.start, outcome.more_rows)
    report = _report(manifest, outcome, data)
    if (job.logs / EVENTS).is_file():
        shutil.copyfile(job.logs / EVENTS, folder / EVENTS)
    sealed = store.seal(folder, manifest)
    runtime = open_runtime(Artifact(folder, sealed))
    manifest = manifest.model_copy(update={"golden": write_samples(folder, runtime, data, seed=job.seed)})
    (folder / "README.md").write_text(card(manifest.model_dump(), facts={}), encoding="utf-8")
    report.save(folder)
    sealed = store.seal(folder, manifest, seen=sealed.files)
    size_bytes = Artifact(folder, sealed).size_bytes()
    store.write_json(folder / store.MEASUREMENTS, {**outcome.measurements, "size_bytes": size_bytes})


def sealed_anew(folder: Path, manifest: Manifest, parent: Artifact) -> Artifact:
    """Seal a folder whose model answers its parent's sample rows itself, with those answers, golden rows and a card.

    Report and measurements may still be added. Returns the artifact where it lies now.
    """
    sealed = store.seal(folder, manifest)
    golden = recompute_samples(folder, open_runtime(Artifact(folder, sealed)), parent)
    manifest = manifest.model_copy(update={"golden": golden})
    (folder / "README.md").write_text(card(manifest.model_dump(), facts={}), encoding="utf-8")
    return Artifact(folder, store.seal(folder, manifest, seen=sealed.files))


def write_train_rows(
    folder: Path,
    frame: pl.DataFrame,
    inputs: Sequence[str],
    start: Path | None,
    more_rows: NDArray[np.uint64] | None = None,
) -> None:
    """Write the hashes of the rows that this model, or one it descends from, was trained on."""
    hashes = row_hashes(frame, list(inputs))
    if more_rows is not None:
        hashes = np.concatenate([hashes, more_rows])
    if start is not None and (start / TRAIN_ROWS).is_file():
        hashes = np.concatenate([hashes, np.fromfile(start / TRAIN_ROWS, dtype="<u8")])
    np.unique(hashes).astype("<u8").tofile(folder / TRAIN_ROWS)


def _report(manifest: Manifest, outcome: Outcome, data: Dataset) -> Report:
    told = dict.fromkeys(name for point in outcome.history for name in point if name.startswith("dev_"))
    curves: dict[str, tuple[str, Callable[[Sequence[float]], list[float]]]] = {
        "training loss": ("loss", _smoothed),
        **{name.replace("_", " ").replace("dev log loss", "dev loss"): (name, list) for name in told},
    }
    x, y = {}, {}
    for title, (key, treat) in curves.items():
        points = [(point["step"], point[key]) for point in outcome.history if key in point]
        if points:
            x[title], y[title] = [step for step, _ in points], treat([value for _, value in points])
    charts = [
        Chart("Learning curve", "lines", {"x": x, "y": y, "x_label": "step", "y_label": "loss, accuracy"})
    ] if x else []  # fmt: skip
    options = manifest.recipe["options"]
    network = {"network": options.get("network"), **options.get("network_options", {})}
    settings = {**network, **options["train"], **options["method_options"], **dict(manifest.recipe["resolved"])}
    rows = [(name, str(value)) for name, value in settings.items() if value not in (None, [], {})]
    return Report(
        verb="finetune",
        title=f"Fine-tuning: {manifest.task}, method {options['method']}",
        subject={"data": data.fingerprint, "split": "dev"},
        metrics={name: Estimate(**value) for name, value in manifest.metrics.items()},
        facts=dict(outcome.measurements),
        tables=[ReportTable("Settings, as resolved on this machine", ("setting", "value"), rows)],
        charts=charts,
        warnings=outcome.warnings,
    )


def _smoothed(values: Sequence[float], width: int = 20) -> list[float]:
    """Average over a moving window: single steps are too noisy to see a trend in."""
    sums = np.cumsum([0.0, *values])
    places = np.arange(1, len(values) + 1)
    starts = np.maximum(places - width, 0)
    return [round(float(mean), 5) for mean in (sums[places] - sums[starts]) / (places - starts)]
