"""What a verb that uses a model will take: it answers a few of the rows here, and the rest is reckoned from that.

The memory is what this process has needed by then: the packages, the model and a batch.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from typing import Any

from oreline.api import names
from oreline.api.estimates import Estimated, num_rows, refined
from oreline.api.provenance import columns_of
from oreline.api.use import load, log_place
from oreline.errors import DataError, did_you_mean
from oreline.memory import peak_bytes
from oreline.models.base import weights_bytes
from oreline.runtime.open import open_task
from oreline.store import Artifact
from oreline.types import Columns, Runtime

TRIAL_ROWS = 64
_SPREAD = (0.6, 1.5)
"""A trial is short, and the machine is not always as busy: the fast and the slow end of an estimate."""
_VARIANTS = 60
"""Variants of a row that the deletion test predicts: ten steps in six orders."""
_TRIED_ON_COMPRESSED = 0.5
"""A compressed model answers its rows in about half the time of the one it comes from."""
_EXPORT_S_PER_MILLION = 0.5
"""Exporting and quantising one graph takes so long for a million weights, and `_EXPORT_S` whatever the size."""
_EXPORT_S = 5.0
_COMPRESS_COPIES = 12
"""Weights that compressing holds at once, in multiples of the model: the module, its graph, and copies in work."""
_MERGE_OPENINGS = 3
"""Merging opens, writes and hashes whole models: as long as opening the adapter so many times."""
_DETECTOR_S_PER_ROW = 0.001
_JUDGING_S = 0.5
"""What an evaluation takes whatever the rows: files are verified, a simple baseline is made, intervals, the report."""


def estimate_use(verb: str, options: Mapping[str, Any]) -> Estimated:
    """Estimate a verb that uses a model. Raises what the verb itself would raise about the model and the data."""
    artifact = Artifact.open(names.model_path(options["model"]))
    return _ESTIMATES.get(verb, _unknown)(artifact, options)


def _evaluate(artifact: Artifact, options: Mapping[str, Any], judging_s: float = _JUDGING_S) -> Estimated:
    rows = num_rows(options.get("data"), options.get("split", "test")) or 0
    models = [artifact, *(options[name] for name in ("compare", "baseline") if options.get(name) is not None)]
    columns = _columns(artifact, options.get("data"))
    begun = time.perf_counter()
    opened = [load(model) for model in models]
    opening_s = time.perf_counter() - begun
    seconds = opening_s + sum(_seconds_a_row(runtime, columns) for runtime in opened) * rows + judging_s
    return _estimated(rows, seconds, f"tried on {_height(columns)} rows")


def _predict(artifact: Artifact, options: Mapping[str, Any]) -> Estimated:
    if options.get("data") == "-":
        return Estimated(memory_bytes=peak_bytes(), note="as many rows as standard input has")
    return _evaluate(artifact, {"data": options["data"]}, judging_s=0.0)


def _explain(artifact: Artifact, options: Mapping[str, Any]) -> Estimated:
    from oreline.explain.part import parts_of, row_of

    runtime, given = load(artifact), options["texts"]
    task = runtime.task
    rows = [row_of(task, row) for row in ([given] if isinstance(given, str | Mapping) else given)]
    variants = sum(1 + sum(len(part.words) for part in parts_of(task, row)) for row in rows)
    columns = {role: [row[role] for row in rows[:TRIAL_ROWS]] for role in task.inputs}
    return _estimated(len(rows), _seconds_a_row(runtime, columns) * variants, f"{variants:,} variants are predicted")


def _deletion_test(artifact: Artifact, options: Mapping[str, Any]) -> Estimated:
    from oreline.explain.words import split

    rows = min(options.get("rows", 50), num_rows(options["data"], options.get("split", "test")) or 0)
    columns = _columns(artifact, options["data"])
    words = [1 + sum(len(split(text)) for text in row) for row in zip(*columns.values())]
    variants = _VARIANTS + round(sum(words) / len(words))
    seconds = _seconds_a_row(load(artifact), columns) * rows * variants
    return _estimated(rows, seconds, f"each row is predicted about {variants} times")


def _compress(artifact: Artifact, options: Mapping[str, Any]) -> Estimated:
    from oreline.compress.compress import refuse_compressed
    from oreline.compress.int8 import GRAPHS

    refuse_compressed(artifact, options.get("method", "int8"))
    rows = num_rows(options.get("data"), options.get("split", "dev"))
    columns = _columns(artifact, options.get("data"))
    judging_s = _seconds_a_row(load(artifact), columns) * (rows or 0) * (1 + _TRIED_ON_COMPRESSED)
    graphs = (options.get("options") or {}).get("graphs", GRAPHS)
    size_bytes = weights_bytes(artifact.path)
    making_s = len(graphs) * (_EXPORT_S + _EXPORT_S_PER_MILLION * size_bytes / 4e6)
    memory = peak_bytes() + _COMPRESS_COPIES * size_bytes
    return _estimated(rows, judging_s + making_s, f"{len(graphs)} graphs made and timed, then judged", memory)


def _merge(artifact: Artifact, options: Mapping[str, Any]) -> Estimated:
    from oreline.runtime.samples import read_samples
    from oreline.train.combine import refuse_differing, refuse_twice
    from oreline.train.merge import refuse_whole
    from oreline.train.unmerge import refuse_unmerged

    others = [Artifact.open(names.model_path(other)) for other in options.get("others") or ()]
    refuse_twice([artifact, *others])
    for other in others:
        refuse_differing(artifact, other)
    if options.get("undo"):
        refuse_unmerged(artifact)
    elif not others:
        refuse_whole(artifact)
    rows = read_samples(artifact, "reference").height
    begun = time.perf_counter()
    load(artifact)
    first_s = time.perf_counter() - begun  # with the packages that are imported once
    runtime = load(artifact)
    again_s = time.perf_counter() - begun - first_s
    # The adapter is opened on its base, the whole model is written and hashed, and opened once more.
    seconds = first_s + (_MERGE_OPENINGS - 1) * again_s + _seconds_a_row(runtime, _columns(artifact, None)) * rows
    copies = 2 + 3 * len(others)  # float64 of each model, and the sum
    memory = peak_bytes() + copies * weights_bytes(artifact.path)
    return _estimated(rows, seconds, "sample rows are answered anew", memory)


def _serve(artifact: Artifact, options: Mapping[str, Any]) -> Estimated:
    begun = time.perf_counter()
    runtime = load(artifact)
    opened_s = time.perf_counter() - begun
    rows_per_s = 1 / _seconds_a_row(runtime, _columns(artifact, None))
    note = f"until it is stopped; the model opens in {opened_s:.1f} s and answers about {rows_per_s:,.0f} rows/s"
    return Estimated(memory_bytes=peak_bytes(), note=note)


def _monitor(artifact: Artifact, options: Mapping[str, Any]) -> Estimated:
    from oreline.monitor.log import PredictionLog
    from oreline.runtime.samples import read_samples

    limit = options.get("limit", 2000)
    rows = len(PredictionLog(log_place(options["live"])).sample(limit).ids)
    reference = read_samples(artifact, "reference").height
    return _estimated(rows, _DETECTOR_S_PER_ROW * (rows + reference), f"beside {reference:,} reference rows")


def _unknown(artifact: Artifact, options: Mapping[str, Any]) -> Estimated:
    return Estimated()


_ESTIMATES: dict[str, Callable[[Artifact, Mapping[str, Any]], Estimated]] = {
    "evaluate": _evaluate,
    "predict": _predict,
    "explain": _explain,
    "deletion_test": _deletion_test,
    "merge": _merge,
    "compress": _compress,
    "serve": _serve,
    "monitor": _monitor,
}


# --- the trial ----------------------------------------------------------------------------------------------


def _columns(artifact: Artifact, data: Any) -> Columns:
    """Return the model's inputs in the first rows of the data; the model's own sample where none are given."""
    from oreline.data.sources import frames
    from oreline.runtime.samples import read_samples

    dataset, chosen = refined(data)
    if dataset is not None:
        frame = dataset.scan(chosen or dataset.splits[-1]).head(TRIAL_ROWS).collect()
    elif data is not None:
        frame = next(itertools.islice(frames(data, rows=TRIAL_ROWS), 1))
    else:
        frame = read_samples(artifact, "reference").head(TRIAL_ROWS)
    source = columns_of(artifact)
    found = {role: role if role in frame.columns else source.get(role, role) for role in open_task(artifact).inputs}
    for role, column in found.items():
        if column not in frame.columns:
            raise DataError(
                f"no column {column!r}, which the model reads as {role}",
                where=str(data)[:200],
                allowed=did_you_mean(column, frame.columns),
            )
    return {role: [str(value or "") for value in frame[column]] for role, column in found.items()}


def _seconds_a_row(runtime: Runtime, columns: Columns) -> float:
    runtime.predict({role: values[:1] for role, values in columns.items()})  # the first call builds what later ones use
    begun = time.perf_counter()
    runtime.predict(columns)
    return (time.perf_counter() - begun) / max(_height(columns), 1)


def _height(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def _estimated(rows: int | None, seconds: float, note: str, memory_bytes: int | None = None) -> Estimated:
    return Estimated(rows, (seconds * _SPREAD[0], seconds * _SPREAD[1]), memory_bytes or peak_bytes(), note)
