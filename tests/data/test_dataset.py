"""Datasets: what is opened is what was written, and damage is named."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from oreline.data.dataset import Dataset
from oreline.data.refine import refine
from oreline.errors import ArtifactError, DataError


@pytest.fixture
def made(reviews_csv: Path, tmp_path: Path) -> Dataset:
    shares = {"train": 0.8, "dev": 0.1, "test": 0.1}
    return refine(reviews_csv, roles={"group": "movie"}, operators=[], split=shares, out=tmp_path / "made")


def test_splits_keep_their_order_and_rows(made: Dataset) -> None:
    opened = Dataset.open(made.path)
    assert opened == made
    assert opened.splits == ("train", "dev", "test")
    assert sum(opened.num_rows(split) for split in opened.splits) == 400
    frame = opened.frame("train", ["text", "label"])
    assert frame.columns == ["text", "label"]
    assert pl.concat(opened.batches("train", rows=50, columns=["text", "label"])).equals(frame)
    assert opened.scan("train").collect().height == opened.num_rows("train")
    assert str(opened).startswith(f"Dataset {opened.fingerprint[:12]}")
    assert "train 320" in str(opened)
    assert repr(opened) == f"<{opened}>"


def test_a_view_of_one_split_has_that_split_only(made: Dataset) -> None:
    view = Dataset(made.path, made.manifest.model_copy(update={"splits": {"dev": made.num_rows("dev")}}))
    assert view.splits == ("dev",)
    assert list(view.shards()) == ["dev"]


def test_an_unknown_split_is_named(made: Dataset) -> None:
    with pytest.raises(DataError, match="no split 'tset'") as caught:
        made.frame("tset")
    assert "did you mean 'test'" in caught.value.allowed


def test_the_fingerprint_is_of_the_content(made: Dataset, reviews_csv: Path, tmp_path: Path) -> None:
    shares = {"train": 0.8, "dev": 0.1, "test": 0.1}
    options = {"roles": {"group": "movie"}, "operators": [], "split": shares}
    same = refine(reviews_csv, **options, out=tmp_path / "same")
    other = refine(reviews_csv, **options, out=tmp_path / "other", seed=1)
    assert same.fingerprint == made.fingerprint != other.fingerprint
    assert len(made.fingerprint) == 64


def test_damage_is_found(made: Dataset) -> None:
    assert made.verify() == []
    shard = made.path / "dev" / "00000.parquet"
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    assert made.verify() == ["dev/00000.parquet was altered: its SHA-256 differs from the manifest's"]
    shard.unlink()
    with pytest.raises(ArtifactError, match=r"has lost dev/00000\.parquet"):
        Dataset.open(made.path)


def test_what_is_no_dataset_is_refused(made: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="not a dataset folder"):
        Dataset.open(tmp_path)
    manifest = made.path / "dataset.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "surprise": 1}))
    with pytest.raises(ArtifactError, match="cannot be read"):
        Dataset.open(made.path)
    manifest.write_text("{")
    with pytest.raises(ArtifactError, match="cannot be read"):
        Dataset.open(made.path)


def test_the_report_opens(made: Dataset) -> None:
    assert made.report().facts["rows_out"] == 400
    assert "400 rows in, 400 out" in made._repr_html_()
