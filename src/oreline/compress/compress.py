"""Compress: a smaller, faster artifact, written only when the gate does not refuse it."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oreline import registry, store
from oreline.errors import GateRefusedError, UsageError
from oreline.evaluate.estimates import estimates
from oreline.evaluate.gate import Verdict, gate
from oreline.evaluate.table import Table, predict_table
from oreline.models.base import ONE_OF_ENSEMBLE, base_folder, refuse_ensemble, weights_bytes
from oreline.report.card import card
from oreline.report.report import Report
from oreline.report.report import Table as ReportTable
from oreline.runtime.onnx import FALLBACK, MODEL, processor_flags
from oreline.runtime.onnx import Runtime as OnnxRuntime
from oreline.runtime.open import open_runtime
from oreline.runtime.samples import read_samples, recompute_samples, scores_alone
from oreline.runtime.windows import cut
from oreline.store import TASK_ARRAYS, TRAIN_ROWS, Artifact, Manifest
from oreline.types import Columns, Encoded, Estimate, Event, OnEvent, Runtime, ignore

if TYPE_CHECKING:
    from oreline.compress.int8 import Candidate
    from oreline.data.dataset import Dataset

_COPIED = ("tokenizer.json", "config.json", TASK_ARRAYS, TRAIN_ROWS)
_TIMED_ROWS = 256
_LATENCY_ROWS = 50


def compress(
    artifact: Artifact,
    *,
    method: str = "int8",
    options: Mapping[str, Any] | None = None,
    data: Dataset,
    split: str = "dev",
    max_drop: float = 0.005,
    out: str | Path,
    force: bool = False,
    seed: int = 0,
    on_event: OnEvent = ignore,
) -> tuple[Artifact, Report]:
    """Compress a model and judge the result by the gate.

    The gate compares the compressed model with the one it comes from, on the same rows. Passed: it is written.
    Undecided: it is written, with a warning that says how many rows would decide. Refused: nothing is written.

    Args:
        artifact: a torch artifact.
        method: name of a compression plug; `options` are its keyword arguments.
        data: rows for the gate.
        split: which of its splits.
        max_drop: accuracy that may be lost.
        out: the new artifact's folder.

    Raises:
        GateRefusedError: the compressed model is worse than `max_drop` allows.
        UsageError: `out` exists, an unknown method or option, or the model is not a torch artifact.
    """
    store.refuse_existing(out, force=force)
    plug = registry.create("compression", method, **(options or {}))
    refuse_compressed(artifact, method)
    given = {"method": method, "options": dict(options or {}), "split": split, "max_drop": max_drop, "seed": seed}
    places = {"data": str(data.path.absolute()), "model": str(artifact.path.absolute())}
    recipe = {"verb": "compress", "options": {**given, **places}}
    started = time.perf_counter()
    parent = open_runtime(artifact)
    before = predict_table(parent, data, split)
    inputs = _timing_rows(artifact, parent)
    with tempfile.TemporaryDirectory(prefix="oreline-compress-") as scratch:
        verdict, refused = None, None
        for candidate in plug.compress(artifact, _as_run(parent, inputs), Path(scratch), on_event):
            with store.writing(Path(scratch) / "judged", force=True) as folder:
                sealed = _assemble(folder, artifact, plug, candidate, {**recipe, "resolved": candidate.resolved})
            challenger = open_runtime(Artifact(Path(scratch) / "judged", sealed))
            after = predict_table(challenger, data, split)
            verdict = gate(before, after, max_drop=max_drop, seed=seed)
            on_event(Event("gate", message=f"{candidate.name}: {verdict.sentence}"))
            if verdict.decision != "refused":
                break
            refused = verdict
        else:
            sentence = refused.sentence if refused else "no graph was made"
            raise GateRefusedError(
                f"the compressed model is not good enough: {sentence}",
                where=f"{data.path}, split {split!r}",
                remedy="allow more with --set max_drop=…, or serve the model uncompressed",
            )
        report = _report(artifact, challenger, (before, after), verdict, candidate, inputs, split)
        measured = {**report.facts, "seconds": round(time.perf_counter() - started, 3)}
        _write(Path(out), Path(scratch) / "judged", challenger, artifact, report, measured, force=force, seed=seed)
    if verdict.decision == "undecided":
        on_event(Event("gate", message=f"warning: {verdict.sentence}"))
    return Artifact.open(out), report


def refuse_compressed(artifact: Artifact, method: str) -> None:
    """Raise `UsageError` unless an artifact has a torch model, which is what can be compressed."""
    if artifact.manifest.runtime != "torch":
        raise UsageError(
            f"a {artifact.manifest.runtime} artifact cannot be compressed by {method}",
            where=str(artifact.path),
            allowed="a torch artifact (methods full, head and adapter)",
        )
    refuse_ensemble(artifact.path, ONE_OF_ENSEMBLE)
    if registry.get("task", artifact.manifest.task).view == "texts":
        raise UsageError(
            f"{method} takes models that read a text once, and this one writes token by token: its decoder, which is "
            "called again for every token with what it has kept, is not exported yet",
            where=str(artifact.path),
            allowed="models of tasks that answer with labels, numbers, tags or frames",
            remedy="serve the model as it is, write greedily (num_beams: 1), or start from a smaller model",
        )


def _timing_rows(artifact: Artifact, runtime: Runtime) -> Columns:
    """Return rows as they are served: the reference sample, or as many as there are."""
    frame = read_samples(artifact, "reference").head(_TIMED_ROWS)
    return {role: frame[role].to_list() for role in runtime.task.inputs}


def _as_run(runtime: Runtime, inputs: Columns) -> Encoded:
    """Return rows as a graph takes them: long ones whose words are answered, in windows."""
    encoded = runtime.encode(inputs)
    return cut(encoded, runtime.artifact.manifest.max_tokens).encoded if encoded.words is not None else encoded


def _assemble(folder: Path, parent: Artifact, plug: Any, candidate: Candidate, recipe: dict[str, Any]) -> Manifest:
    """Put the graph, its fp32 fallback and what the runtime needs into a folder."""
    shutil.copyfile(candidate.file, folder / MODEL)
    shutil.copyfile(candidate.source, folder / FALLBACK)
    base = base_folder(parent.path)  # an adapter's tokenizer and configuration are its base's
    for name in _COPIED:
        place = parent.path if parent.has(name) else base
        if (place / name).is_file():
            shutil.copyfile(place / name, folder / name)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    made = parent.manifest
    extra = {
        "precision": plug.precision,
        "processor_flags": processor_flags(),
        "onnxruntime": version("onnxruntime"),
        "graph": candidate.name,
        "pad_id": int(config.get("pad_token_id") or 0),
        **plug.describe(),
    }
    entry = {"verb": str(made.recipe.get("verb", "")), "id": parent.id, "path": str(parent.path.absolute())}
    manifest = made.model_copy(
        update={
            "runtime": plug.runtime,
            "recipe": recipe,
            "lineage": [entry, *made.lineage],
            "metrics": {},
            "golden": [],
            "extra": extra,
            "files": {},
        }
    )
    return store.seal(folder, manifest)


def _write(
    out: Path,
    judged: Path,
    runtime: Runtime,
    parent: Artifact,
    report: Report,
    measured: Mapping[str, Any],
    *,
    force: bool,
    seed: int,
) -> None:
    with store.writing(out, force=force) as folder:
        shutil.copytree(judged, folder, dirs_exist_ok=True)
        golden = recompute_samples(folder, runtime, parent, seed=seed)
        fallback = OnnxRuntime(runtime.artifact, fallback=True)
        for row in golden:  # a processor that takes the fp32 graph must find its answers too
            row["fallback_scores"] = scores_alone(fallback, row["inputs"])
        metrics = {name: value.to_json() for name, value in report.metrics.items() if not name.startswith("before ")}
        manifest = runtime.artifact.manifest.model_copy(update={"golden": golden, "metrics": metrics})
        (folder / "README.md").write_text(card(manifest.model_dump(), facts={}), encoding="utf-8")
        report.save(folder)
        store.seal(folder, manifest, dict(measured))


def _times(gain: float, better: str, worse: str) -> str:
    """Say by how much something became better, or worse.

    >>> _times(2.34, "faster", "slower"), _times(0.8, "faster", "slower")
    ('2.3 times faster', '1.2 times slower')
    """
    return f"{gain:.1f} times {better}" if gain >= 1 else f"{1 / gain:.1f} times {worse}"


def _report(
    artifact: Artifact,
    challenger: Runtime,
    tables: tuple[Table, Table],
    verdict: Verdict,
    candidate: Candidate,
    inputs: Columns,
    split: str,
) -> Report:
    metric = challenger.task.metrics[0]
    figures: dict[str, Estimate] = {}
    for prefix, table in zip(("before ", ""), tables):
        figures[prefix + metric] = estimates(table, [metric])[metric]
    runtimes = {"before": open_runtime(artifact), "after": challenger}
    sizes = {"before": weights_bytes(artifact.path), "after": candidate.file.stat().st_size}
    speed = {name: _rows_per_s(runtime, inputs) for name, runtime in runtimes.items()}
    latency = {name: _latency_ms(runtime, inputs) for name, runtime in runtimes.items()}
    rows = [
        (metric, *(figures[p + metric] for p in ("before ", "")), ""),
        ("size of the model file, MB", *(round(sizes[n] / 1e6, 1) for n in runtimes),
         _times(sizes["before"] / sizes["after"], "smaller", "larger")),
        ("rows/s, in batches", *(round(speed[n]) for n in runtimes),
         _times(speed["after"] / speed["before"], "faster", "slower")),
        ("latency of one row, ms (median)", *(round(latency[n], 2) for n in runtimes),
         _times(latency["before"] / latency["after"], "faster", "slower")),
    ]  # fmt: skip
    return Report(
        verb="compress",
        title=f"Compression: {challenger.artifact.manifest.extra['precision']}, graph {candidate.name}",
        subject={"before": artifact.version, "split": split},
        metrics=figures,
        facts={
            "verdict": verdict.decision,
            "sentence": verdict.sentence,
            "size_bytes": sizes["after"],
            "size_bytes_before": sizes["before"],
            "rows_per_s": round(speed["after"], 1),
            "rows_per_s_before": round(speed["before"], 1),
            "latency_ms": round(latency["after"], 3),
            "latency_ms_before": round(latency["before"], 3),
        },
        tables=[ReportTable("Before and after", ("", "before", "after", ""), rows), *verdict.to_tables()],
        warnings=[verdict.sentence] if verdict.decision == "undecided" else [],
    )


def _rows_per_s(runtime: Runtime, inputs: Columns) -> float:
    num_rows = len(next(iter(inputs.values())))
    runtime.predict(inputs)
    start = time.perf_counter()
    runtime.predict(inputs)
    return num_rows / (time.perf_counter() - start)


def _latency_ms(runtime: Runtime, inputs: Columns) -> float:
    times = []
    for row in range(min(_LATENCY_ROWS, len(next(iter(inputs.values()))))):
        start = time.perf_counter()
        runtime.predict({role: values[row : row + 1] for role, values in inputs.items()})
        times.append(1000 * (time.perf_counter() - start))
    return sorted(times)[len(times) // 2]
