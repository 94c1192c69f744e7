"""Combine several models of one architecture into one, by a merging plug."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from oreline import registry, store
from oreline.errors import ArtifactError, UsageError
from oreline.models.base import ONE_OF_ENSEMBLE, is_adapted, refuse_ensemble
from oreline.models.load import HEAD, saved_pooling
from oreline.report.card import card
from oreline.report.report import Report
from oreline.report.report import Table as ReportTable
from oreline.runtime.open import open_runtime, open_task
from oreline.runtime.samples import recompute_samples
from oreline.store import TRAIN_ROWS, Artifact, Manifest
from oreline.tasks.reading import reading
from oreline.train.artifact import EstimateDev, lineage
from oreline.train.encoder import copy_tokenizer
from oreline.train.rows import dev_rows
from oreline.types import Estimate, Runtime

if TYPE_CHECKING:
    from torch import Tensor

    from oreline.data.dataset import Dataset

_VOLATILE = {"_name_or_path", "transformers_version", "dtype", "torch_dtype", "_attn_implementation_autoset"}
"""Of a configuration: what says nothing about the weights."""
_ALIKE = "merge models that were trained from one start model, for one task"
_WEIGHTS = "model.safetensors"
_TUNED = {"thresholds"}
"""Options of a task that are chosen on dev after training."""


@dataclass(frozen=True, slots=True)
class Way:
    """How models are combined."""

    by: str = "mean"
    """Name of a merging plug."""
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: Sequence[float] = ()
    """One for each model; equal ones when there are none."""
    base: Path | None = None
    """The common start model; the one that all models name when None."""

    def shares(self, num_models: int) -> list[float]:
        """Return the weights, adding up to 1. Raises `UsageError` for another number of them, or one below 0."""
        given = [float(weight) for weight in self.weights] or [1.0] * num_models
        if len(given) != num_models or min(given) < 0 or sum(given) <= 0:
            raise UsageError(
                f"the weights are {given}",
                allowed=f"{num_models} numbers from 0 up, one for each model, not all 0; shares of their sum count",
            )
        return [weight / sum(given) for weight in given]


def combine(
    artifacts: Sequence[Artifact],
    *,
    way: Way,
    out: str | Path,
    force: bool = False,
    dev: Dataset | None = None,
    estimate: EstimateDev | None = None,
) -> Artifact:
    """Write the model that several are together: same task, labels, tokenizer and shapes, weights joined in float64.

    Sample rows are the first model's, answered anew; the rows that any model was trained on count as trained on. Its
    figures are measured on the dev rows that no model was trained on, and its thresholds are chosen there.

    Args:
        artifacts: at least two whole models.
        way: the merging plug, its options, the models' weights, their common start model.
        out: the new artifact's folder.
        force: replace `out` if it exists.
        dev: the data whose dev rows measure it; no figures without.
        estimate: figures with intervals on dev.

    Raises:
        UsageError: models that differ in task, labels, tokenizer, configuration or shapes, or have an adapter; a base
            that is needed and not known; weights that do not fit; `out` exists.
    """
    store.refuse_existing(out, force=force)
    plug = registry.create("merging", way.by, **dict(way.options))
    _refuse_number(plug, way.by, len(artifacts))
    for other in artifacts[1:]:
        refuse_differing(artifacts[0], other)
    refuse_no_weights(artifacts[0])
    shares = way.shares(len(artifacts))
    base = _base_folder(artifacts, way) if plug.needs_base else None
    with store.writing(out, force=force) as folder:
        _write_weights(folder, artifacts, plug, shares, base)
        shutil.copyfile(artifacts[0].file("config.json"), folder / "config.json")
        copy_tokenizer(artifacts[0].path, folder)
        trained = np.unique(np.concatenate([_train_rows(artifact) for artifact in artifacts]))
        trained.astype("<u8").tofile(folder / TRAIN_ROWS)
        manifest = _manifest(artifacts, way, shares)
        manifest = _measured(folder, manifest, dev, trained, estimate)
        runtime = open_runtime(Artifact(folder, store.seal(folder, manifest)))
        manifest = manifest.model_copy(update={"golden": recompute_samples(folder, runtime, artifacts[0])})
        (folder / "README.md").write_text(card(manifest.model_dump(), facts={}), encoding="utf-8")
        sealed = store.seal(folder, manifest)
        _report(artifacts, way, shares, manifest).save(folder)
        store.write_json(folder / store.MEASUREMENTS, {"size_bytes": Artifact(folder, sealed).size_bytes()})
    return Artifact.open(out)


def refuse_twice(artifacts: Sequence[Artifact]) -> None:
    """Raise `UsageError` where the same model is among some twice: it would only count more."""
    for number, artifact in enumerate(artifacts):
        if artifact.id in [earlier.id for earlier in artifacts[:number]]:
            raise UsageError(
                f"the model {artifact.version} is named twice",
                where=str(artifact.path),
                allowed="different models",
                remedy="leave one out; to let a model count more: --set weights=[2,1]",
            )


def refuse_differing(first: Artifact, other: Artifact) -> None:
    """Raise `UsageError` where the weights of two models do not mean the same."""
    refuse_no_weights(other)
    where = f"{first.path} and {other.path}"
    for name in ("runtime", "task"):
        mine, theirs = getattr(first.manifest, name), getattr(other.manifest, name)
        if mine != theirs:
            raise UsageError(f"the models differ in their {name}: {mine} and {theirs}", where=where, remedy=_ALIKE)
    if open_task(first).labels != open_task(other).labels:
        raise UsageError(
            f"the models have other labels, or in another order: {list(open_task(first).labels)} and "
            f"{list(open_task(other).labels)}",
            where=where,
            remedy="train both from the same rows, or one from the other (--start)",
        )
    mine, theirs = ({k: v for k, v in one.manifest.task_options.items() if k not in _TUNED} for one in (first, other))
    if differing := next((name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)), None):
        raise UsageError(f"the models' task differs in its option {differing!r}", where=where, remedy=_ALIKE)
    if first.file("tokenizer.json").read_bytes() != other.file("tokenizer.json").read_bytes():
        raise UsageError(
            "the models have other tokenizers", where=where, allowed="models of one start model", remedy=_ALIKE
        )
    read = [saved_pooling(one.path, len(open_task(one).labels)) for one in (first, other)]
    if read[0] != read[1]:
        said, other_said = ("by their first token" if how is None else f"by the pooling {how!r}" for how in read)
        raise UsageError(
            f"the models read texts in other ways: {said}, and {other_said}",
            where=where,
            remedy=f"train one again with --set method_options.pooling={read[0] or read[1]}",
        )
    if differing := _differing_config(first, other):
        raise UsageError(f"the models' config.json differs in {differing!r}", where=where, remedy=_ALIKE)


def refuse_no_weights(artifact: Artifact) -> None:
    """Raise `UsageError` unless a model is one whole torch model, whose weights can be merged with another's."""
    refuse_ensemble(artifact.path, ONE_OF_ENSEMBLE)
    if is_adapted(artifact.path):
        raise UsageError(
            "the model is an adapter, which has no weights of its own to merge with another's",
            where=str(artifact.path),
            remedy=f"fold it into its base first: oreline merge {artifact.path} --out DIR",
        )
    if artifact.manifest.runtime != "torch":
        raise UsageError(
            f"the model runs on {artifact.manifest.runtime}: only torch models are merged",
            where=str(artifact.path),
            remedy="merge the models it was compressed from",
        )


def _refuse_number(plug: Any, name: str, number: int) -> None:
    fewest, most = plug.num_models
    if number < fewest or (most is not None and number > most):
        allowed = f"{fewest} models" if fewest == most else f"{fewest} models or more"
        raise UsageError(f"{name} joins {allowed}, and there are {number}", allowed=allowed, remedy="--by mean")


def _differing_config(first: Artifact, other: Artifact) -> str | None:
    mine, theirs = (json.loads(one.file("config.json").read_text(encoding="utf-8")) for one in (first, other))
    names = {*mine, *theirs} - _VOLATILE
    return next((name for name in sorted(names) if mine.get(name) != theirs.get(name)), None)


def _base_folder(artifacts: Sequence[Artifact], way: Way) -> Path:
    if way.base is not None:
        return way.base
    starts = [{entry["path"] for entry in artifact.manifest.lineage} for artifact in artifacts]
    common = set.intersection(*starts)
    nearest = next((e["path"] for e in artifacts[0].manifest.lineage if e["path"] in common), None)
    if nearest is None or not Path(nearest).is_dir():
        raise UsageError(
            f"{way.by} needs the start model that all models come from"
            + (", which is not there any more" if nearest else ""),
            where=nearest or str(artifacts[0].path),
            remedy="name it: --base START",
        )
    return Path(nearest)


# --- weights ----------------------------------------------------------------------------------------------------


def _write_weights(
    folder: Path, artifacts: Sequence[Artifact], plug: Any, shares: Sequence[float], base: Path | None
) -> None:
    """Join the tensors of all files as one model, and write them into files of the same names, in their own types."""
    files = [file.name for file in sorted(artifacts[0].path.glob("*.safetensors"))]
    opened = [_tensors(artifact.path, files) for artifact in artifacts]
    _leave_out_pooler(opened)
    first = opened[0]
    for artifact, other in zip(artifacts[1:], opened[1:]):
        _refuse_shapes(first, other, f"{artifacts[0].path} and {artifact.path}")
    floating = [name for name, tensor in first.items() if tensor.is_floating_point()]
    models = [{name: tensors[name].double() for name in floating} for tensors in opened]
    known = _of_base(base, first, floating) if base is not None else None
    merged = plug.merge(models, shares, known)
    for file in files:
        tensors = {
            name.removeprefix(f"{file}/"): merged[name].to(tensor.dtype).contiguous() if name in merged else tensor
            for name, tensor in first.items()
            if name.startswith(f"{file}/")
        }
        with store.translating(folder / file):
            save_file(tensors, folder / file, _metadata(artifacts[0].path / file))


def _tensors(folder: Path, files: Sequence[str]) -> dict[str, Tensor]:
    found = {}
    for name in files:
        if not (folder / name).is_file():
            raise UsageError(f"the model has no {name}, and the others have", where=str(folder))
        with safe_open(folder / name, "pt") as stream:
            found.update({f"{name}/{key}": stream.get_tensor(key) for key in stream.keys()})  # noqa: SIM118
    return found


def _leave_out_pooler(models: Sequence[dict[str, Tensor]]) -> None:
    """Drop from models with a pooled head a pooler that not all of them have: one from `multitask` may have none.

    Such a head reads the states of the tokens; the pooler beside it is what its start model had.
    """
    names = [{name for name in model if name.startswith(f"{_WEIGHTS}/pooler.")} for model in models]
    if all(f"{HEAD}/weight" in model for model in models) and not all(names):
        for model, own in zip(models, names, strict=True):
            for name in own:
                del model[name]


def _metadata(file: Path) -> dict[str, str]:
    with safe_open(file, "pt") as stream:
        return dict(stream.metadata() or {})


def _refuse_shapes(first: Mapping[str, Tensor], other: Mapping[str, Tensor], where: str) -> None:
    for name in sorted({*first, *other}):
        mine, theirs = (tuple(one[name].shape) if name in one else None for one in (first, other))
        if mine != theirs:
            shown = name.split("/", 1)[1]
            if None in (mine, theirs):
                lacks = "the first" if mine is None else "the other"
                raise UsageError(f"{lacks} of the models has no {shown!r}", where=where, remedy=_ALIKE)
            raise UsageError(f"the models differ in {shown!r}: shapes {mine} and {theirs}", where=where, remedy=_ALIKE)
        if not first[name].is_floating_point() and not torch.equal(first[name], other[name]):
            raise UsageError(f"the models differ in {name.split('/', 1)[1]!r}, which cannot be averaged", where=where)


def _of_base(base: Path, first: Mapping[str, Tensor], names: Sequence[str]) -> dict[str, Tensor]:
    """Return the base's tensors by the models' names; on one side they may have a prefix that the other lacks."""
    if not (base / _WEIGHTS).is_file():
        raise ArtifactError("the base has no model.safetensors", where=str(base), remedy="--base START")
    with safe_open(base / _WEIGHTS, "pt") as stream:
        there = {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118
    without = {key.split(".", 1)[-1]: tensor for key, tensor in there.items()}
    found = {}
    for name in names:
        key = name.split("/", 1)[1]
        tensor = next(
            (one[k] for one, k in ((there, key), (there, key.split(".", 1)[-1]), (without, key)) if k in one), None
        )
        if tensor is not None and tensor.shape == first[name].shape:
            found[name] = tensor.double()
    if not found:
        raise UsageError(
            "the base has none of the models' weights", where=str(base), allowed="their common start model"
        )
    return found


# --- what belongs to the artifact -------------------------------------------------------------------------------


def _train_rows(artifact: Artifact) -> Any:
    return np.fromfile(artifact.file(TRAIN_ROWS), dtype="<u8") if artifact.has(TRAIN_ROWS) else np.zeros(0, "<u8")


def _measured(
    folder: Path, manifest: Manifest, dev: Dataset | None, trained: Any, estimate: EstimateDev | None
) -> Manifest:
    """Return the manifest with figures on dev, and with what the task chooses there."""
    runtime: Runtime = open_runtime(Artifact(folder, store.seal(folder, manifest)))
    rows = dev_rows(dev, runtime.task, trained) if dev is not None else None
    if rows is None:
        return manifest
    outputs = runtime.predict(rows.columns).outputs
    task = reading(runtime.task, rows.columns).tuned(rows.targets, outputs["scores"])
    found = estimate(reading(task, rows.columns), rows.targets, outputs) if estimate is not None else {}
    metrics = {name: value.to_json() for name, value in found.items()}
    return manifest.model_copy(update={"task_options": task.options, "metrics": metrics})


def _manifest(artifacts: Sequence[Artifact], way: Way, shares: Sequence[float]) -> Manifest:
    made = artifacts[0].manifest
    options = made.recipe["options"]
    recorded = {
        **options,
        "model": str(artifacts[0].path.absolute()),
        "others": [str(artifact.path.absolute()) for artifact in artifacts[1:]],
        "by": way.by,
        "by_options": dict(way.options),
        "weights": list(shares),
        "base": str(way.base.absolute()) if way.base is not None else None,
    }
    rows = sum(int(artifact.manifest.data.get("rows", 0)) for artifact in artifacts)
    changes = {
        "recipe": {"verb": "merge", "options": recorded, "resolved": {}},
        "lineage": _lineage(artifacts),
        "data": {**made.data, "rows": rows},
        "metrics": {},
        "golden": [],
        "files": {},
        "id": "",
        "oreline": version("oreline"),
    }
    return made.model_copy(update=changes)


def _lineage(artifacts: Sequence[Artifact]) -> list[dict[str, Any]]:
    """Return all parents, then the ancestors of each, every one once."""
    parents = [lineage(artifact.path) for artifact in artifacts]
    found: list[dict[str, Any]] = []
    for entry in [*(own[0] for own in parents), *(entry for own in parents for entry in own[1:])]:
        if entry not in found:
            found.append(entry)
    return found


def _report(artifacts: Sequence[Artifact], way: Way, shares: Sequence[float], manifest: Manifest) -> Report:
    first = registry.get("task", manifest.task).metrics[0]
    figures = [artifact.manifest.metrics.get(first) for artifact in artifacts]
    rows = [
        (artifact.version, round(share, 4), Estimate(**figure) if figure else None, str(artifact.path))
        for artifact, share, figure in zip(artifacts, shares, figures)
    ]
    return Report(
        verb="merge",
        title=f"Merged: {len(artifacts)} models by {way.by}",
        subject={"task": manifest.task, "split": "dev"},
        metrics={name: Estimate(**value) for name, value in manifest.metrics.items()},
        facts={"models": len(artifacts), **dict(way.options)},
        tables=[ReportTable("Parents", ("model", "weight", f"{first} on its dev", "path"), rows)],
    )
