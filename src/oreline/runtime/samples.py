"""Rows that an artifact carries with it: reference rows for monitoring, replay rows for updating, golden rows.

* reference: rows the model did not train on, with its answers and embeddings: what live rows are compared with.
* replay: a class-stratified sample of the training rows: what an update mixes with fresh rows.
* golden: a handful of rows with their scores, in the manifest: what readiness and a hot swap check.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from oreline.data.dataset import Dataset
from oreline.data.targets import labelled_frame
from oreline.errors import ArtifactError
from oreline.runtime.windows import by_row
from oreline.store import SAMPLES, Artifact
from oreline.types import Runtime, Task

NUM_REFERENCE = 1000
NUM_REPLAY = 2000
NUM_GOLDEN = 8
GOLDEN_CHARACTERS = 500
"""Golden rows stand in a JSON file that people read, so long texts are not chosen."""

_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "part": pl.String,
    "row_id": pl.String,
    "predicted": pl.String,
    "scores": pl.List(pl.Float32),
    "embedding": pl.List(pl.Float32),
}


def write_samples(folder: Path, runtime: Runtime, data: Dataset, *, seed: int = 0) -> list[dict[str, Any]]:
    """Write `samples.parquet` into an artifact's folder and return the golden rows for its manifest.

    Args:
        folder: the folder being written.
        runtime: the model in that folder, so that the answers are those that will be served.
        data: the dataset it was trained on. Reference rows come from `dev`; without that split, from `train`.
        seed: of the choice of rows.
    """
    task = runtime.task
    held_out = _with_target(data, "dev" if data.manifest.splits.get("dev") else _training_split(data), task)
    trained = _with_target(data, _training_split(data), task)
    reference = held_out.sample(min(NUM_REFERENCE, held_out.height), seed=seed)
    replay = stratified_sample(trained, strata(trained, task), NUM_REPLAY, seed=seed)
    replayed = _unanswered(replay, task)
    pl.concat([answered(reference, runtime), replayed]).write_parquet(folder / SAMPLES)
    return golden_rows(reference, runtime)


def recompute_samples(folder: Path, runtime: Runtime, parent: Artifact, *, seed: int = 0) -> list[dict[str, Any]]:
    """Write the parent's sample rows with this model's answers (a compressed model answers a little differently)."""
    task = runtime.task
    columns = ["row_id", *task.inputs, task.target]
    reference, replay = (read_samples(parent, part).select(columns) for part in ("reference", "replay"))
    pl.concat([answered(reference, runtime), _unanswered(replay, task)]).write_parquet(folder / SAMPLES)
    return golden_rows(reference, runtime)


def read_samples(artifact: Artifact, part: str) -> pl.DataFrame:
    """Return the `reference` or `replay` rows of an artifact.

    Columns: `row_id`, the task's inputs, its target (true; null where unknown), `predicted`, `scores`, `embedding`.

    Raises `ArtifactError` when the artifact carries no such rows.
    """
    if not artifact.has(SAMPLES):
        raise ArtifactError("the model carries no sample rows", where=str(artifact.path))
    frame = pl.read_parquet(artifact.file(SAMPLES)).filter(pl.col("part") == part).drop("part")
    if frame.is_empty():
        raise ArtifactError(f"the model carries no {part} rows", where=str(artifact.path))
    return frame


def answered(frame: pl.DataFrame, runtime: Runtime) -> pl.DataFrame:
    """Return reference rows in the schema of `samples.parquet`, with the model's answers and embeddings."""
    task = runtime.task
    predictions = runtime.predict({role: frame[role].to_list() for role in task.inputs}, embeddings=True)
    vectors = predictions.embedding_ND
    return pl.DataFrame(
        {
            "part": ["reference"] * frame.height,
            "row_id": frame["row_id"],
            **{role: frame[role] for role in task.inputs},
            task.target: as_text(frame[task.target]),
            "predicted": task.outcomes(task.predicted(predictions.outputs["scores"])),
            "scores": by_row(predictions.outputs["scores"], len(task.labels)).tolist(),
            "embedding": vectors.tolist() if vectors is not None else [None] * frame.height,
        },
        schema_overrides=_SCHEMA,
    )


def _unanswered(frame: pl.DataFrame, task: Task) -> pl.DataFrame:
    """Return replay rows in the same schema: an update trains on their labels, so nobody needs the model's answers."""
    return frame.select(
        pl.lit("replay").alias("part"),
        "row_id",
        *task.inputs,
        as_text(frame[task.target]).alias(task.target),
        *(pl.lit(None, dtype=_SCHEMA[name]).alias(name) for name in ("predicted", "scores", "embedding")),
    ).cast({"row_id": pl.String, **dict.fromkeys((task.target, *task.inputs), pl.String)})


def golden_rows(frame: pl.DataFrame, runtime: Runtime) -> list[dict[str, Any]]:
    """Return a few short rows with the scores the model gives each of them alone, JSON-ready.

    Alone, because a dynamically quantised model scales a batch's activations together: in other company a row gets
    scores that differ by some hundredths.
    """
    inputs = runtime.task.inputs
    short = frame.filter(pl.all_horizontal(pl.col(role).str.len_chars() <= GOLDEN_CHARACTERS for role in inputs))
    chosen = (short if short.height else frame.head(1)).head(NUM_GOLDEN)
    return [{"inputs": row, "scores": scores_alone(runtime, row)} for row in chosen.select(inputs).to_dicts()]


def scores_alone(runtime: Runtime, inputs: Mapping[str, str]) -> list[float]:
    """Return the K scores of a row that is a batch of its own, rounded for JSON."""
    outputs = runtime.predict({role: [value] for role, value in inputs.items()}).outputs
    return [round(float(score), 6) for score in by_row(outputs["scores"], len(runtime.task.labels))[0]]


def strata(frame: pl.DataFrame, task: Task) -> pl.Series:
    """Return what a task counts its targets by, null where a row has none that it knows."""
    known = [target is not None and task.knows(target) for target in frame[task.target].to_list()]
    found = iter(task.outcomes(task.encode_target(frame[task.target].filter(known).to_list())))
    return pl.Series("stratum", [next(found) if is_known else None for is_known in known], dtype=pl.String)


def as_text(targets: pl.Series) -> pl.Series:
    """Return targets as strings that their task reads again: lists become JSON."""
    if targets.dtype != pl.List:
        return targets.cast(pl.String)
    texts = [None if value is None else json.dumps(value, ensure_ascii=False) for value in targets.to_list()]
    return pl.Series(targets.name, texts, dtype=pl.String)


def stratified_sample(frame: pl.DataFrame, stratum: pl.Series, rows: int, *, seed: int) -> pl.DataFrame:
    """Return about `rows` rows in which each stratum keeps its share, and at least one row."""
    if rows >= frame.height:
        return frame
    of_stratum = frame.with_columns(stratum.alias("_stratum"))
    rank = pl.int_range(pl.len()).shuffle(seed=seed).over("_stratum")
    quota = (pl.len().over("_stratum") * (rows / frame.height)).ceil()
    return of_stratum.filter(rank < quota).drop("_stratum")


def _with_target(data: Dataset, split: str, task: Task) -> pl.DataFrame:
    """Return a split's rows, their target null where the data has none."""
    columns = ["row_id", *task.inputs]
    if task.target in data.manifest.columns:
        return labelled_frame(data, split, task, [*columns, task.target])
    return data.frame(split, columns).with_columns(pl.lit(None, dtype=pl.String).alias(task.target))


def _training_split(data: Dataset) -> str:
    return "train" if "train" in data.splits else data.splits[0]
