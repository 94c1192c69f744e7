"""Estimates of the verbs that use a model: tried on a few rows, nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import oreline as ore
from oreline.api.use_estimates import TRIAL_ROWS, estimate_use
from oreline.data.dataset import Dataset
from oreline.errors import DataError, UsageError
from oreline.store import Artifact


def seconds(verb: str, options: dict[str, Any]) -> float:
    """Return the slow end of an estimate."""
    found = estimate_use(verb, options)
    assert found.seconds is not None
    assert 0 < found.seconds[0] < found.seconds[1]
    assert found.memory_bytes is not None
    assert found.memory_bytes > 50 << 20, "Python and its packages alone take more"
    return found.seconds[1]


def test_evaluating_counts_the_splits_rows_and_every_model(linear_model: Artifact, dataset: Dataset) -> None:
    options = {"model": linear_model, "data": str(dataset.path)}
    found = estimate_use("evaluate", options)
    assert (found.rows, found.note) == (dataset.num_rows("test"), f"tried on {dataset.num_rows('test')} rows")
    assert estimate_use("evaluate", {**options, "split": "train"}).rows == dataset.num_rows("train")
    assert seconds("evaluate", {**options, "baseline": linear_model}) > 0


def test_raw_rows_are_read_by_the_models_own_columns(linear_model: Artifact, reviews_csv: Path, tmp_path: Path) -> None:
    found = estimate_use("predict", {"model": linear_model, "data": str(reviews_csv)})
    assert (found.rows, found.note) == (400, f"tried on {TRIAL_ROWS} rows")
    other = tmp_path / "other.csv"
    other.write_text("texte,label\na,b\n", encoding="utf-8")
    with pytest.raises(DataError, match="no column 'text', which the model reads as text") as caught:
        estimate_use("predict", {"model": linear_model, "data": str(other)})
    assert "did you mean 'texte'" in caught.value.allowed
    assert estimate_use("predict", {"model": linear_model, "data": "-"}).rows is None


def test_explaining_predicts_each_text_without_each_word(linear_model: Artifact, dataset: Dataset) -> None:
    found = estimate_use("explain", {"model": linear_model, "texts": ["one two three", "四个 字"]})
    assert (found.rows, found.note) == (2, "7 variants are predicted")
    assert estimate_use("explain", {"model": linear_model, "texts": "one two three"}).note == "4 variants are predicted"
    tested = estimate_use("deletion_test", {"model": linear_model, "data": str(dataset.path), "rows": 9})
    assert tested.rows == 9
    assert "each row is predicted about 7" in tested.note


def test_compressing_takes_longer_the_more_graphs_are_made(torch_model: Artifact, dataset: Dataset) -> None:
    options = {"model": torch_model, "data": str(dataset.path)}
    one = seconds("compress", {**options, "options": {"graphs": ["eager"]}})
    assert seconds("compress", options) > 2 * one
    assert estimate_use("compress", options).rows == dataset.num_rows("dev")


def test_what_cannot_be_compressed_is_refused_before_anything_is_tried(linear_model: Artifact) -> None:
    with pytest.raises(UsageError, match="a linear artifact cannot be compressed"):
        estimate_use("compress", {"model": linear_model, "data": None})


def test_a_server_runs_until_it_is_stopped(linear_model: Artifact) -> None:
    found = estimate_use("serve", {"model": linear_model})
    assert found.seconds is None
    assert found.note.startswith("until it is stopped; the model opens in ")
    assert found.note.endswith(" rows/s")


def test_monitoring_counts_the_logged_rows(linear_model: Artifact, dataset: Dataset, tmp_path: Path) -> None:
    from oreline.api import rehearse

    rehearse.serve(linear_model, rehearse=dataset, requests=5, out=tmp_path / "served")
    found = estimate_use("monitor", {"model": linear_model, "live": str(tmp_path / "served")})
    assert found.rows == 20  # four requests of one row, one of sixteen
    with pytest.raises(UsageError, match="there is no prediction log"):
        estimate_use("monitor", {"model": linear_model, "live": str(tmp_path / "nowhere")})


def test_a_missing_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(ore.OrelineError, match="nowhere"):
        estimate_use("evaluate", {"model": str(tmp_path / "nowhere"), "data": "x.csv"})
