"""Shards: bounded, and the same bytes however the rows came."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

from oreline.data.running import shards
from oreline.data.running.shards import GROUP_ROWS, SplitWriter


def written(folder: Path, frame: pl.DataFrame, rows: int) -> list[Path]:
    writer = SplitWriter(folder, frame.schema)
    for part in frame.iter_slices(rows):
        writer.append(part)
    writer.close()
    assert writer.num_rows == frame.height
    return sorted(folder.glob("*.parquet"))


def test_bytes_do_not_depend_on_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "GROUP_ROWS", 100)
    monkeypatch.setattr(shards, "SHARD_ROWS", 300)
    frame = pl.DataFrame({"row_id": [f"a:{n}" for n in range(1050)], "text": [f"text {n}" for n in range(1050)]})
    first, second = (written(tmp_path / str(rows), frame, rows) for rows in (7, 999))
    assert [file.name for file in first] == ["00000.parquet", "00001.parquet", "00002.parquet", "00003.parquet"]
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    assert pl.concat([pl.read_parquet(file) for file in first]).equals(frame)
    assert pyarrow.parquet.ParquetFile(first[0]).metadata.num_row_groups == 3


def test_long_texts_make_smaller_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "GROUP_ROWS", 10)
    monkeypatch.setattr(shards, "SHARD_BYTES", 1_000_000)
    frame = pl.DataFrame({"row_id": [f"a:{n}" for n in range(100)], "text": ["x" * 50_000] * 100})
    assert len(written(tmp_path / "split", frame, 10)) == 5


def test_long_texts_make_smaller_groups_whatever_the_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "GROUP_BYTES", 1000)
    frame = pl.DataFrame({"row_id": [f"a:{n}" for n in range(60)], "text": ["x" * (n * 7 % 300) for n in range(60)]})
    first, second = (written(tmp_path / str(rows), frame, rows) for rows in (3, 60))
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    assert pl.read_parquet(first[0]).equals(frame)
    sizes = pyarrow.parquet.ParquetFile(first[0]).metadata
    assert sizes.num_row_groups > 5


def test_a_split_without_rows_has_its_columns(tmp_path: Path) -> None:
    (file,) = written(tmp_path / "split", pl.DataFrame(schema={"row_id": pl.String, "n": pl.Int64}), 10)
    assert pl.read_parquet(file).schema == {"row_id": pl.String, "n": pl.Int64}


def test_rows_that_wait_hold_only_themselves(tmp_path: Path) -> None:
    """Of a small split a few rows of each frame wait to be written: they must not keep the whole frames in memory."""
    schema = {"text": pl.String(), "place": pl.Int64()}
    before = pa.total_allocated_bytes()
    with SplitWriter(tmp_path / "test", schema) as writer:
        for number in range(200):
            texts = pa.array([f"{number:04d} {row:0500d}" for row in range(300)], pa.large_string())
            frame = pl.DataFrame(pa.table({"text": texts, "place": pa.array(range(300))}))
            writer.append(frame.filter(pl.col("place") < 60))
        held = pa.total_allocated_bytes() - before
    assert writer.num_rows == 200 * 60 > GROUP_ROWS
    assert held < 5_000_000, f"{held:,} bytes are held for {writer.num_rows % GROUP_ROWS:,} rows of 505 characters"
