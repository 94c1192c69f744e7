"""Files that are closed in every case."""

from __future__ import annotations

import gc
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from oreline.data.columnar import ParquetFile, compact, row_groups

SCHEMA = pa.schema([("text", pa.large_string())])


def test_frames_become_row_groups(tmp_path: Path) -> None:
    with ParquetFile(tmp_path / "a.parquet", SCHEMA, compression="zstd") as file:
        for number in range(3):
            file.write(pl.DataFrame({"text": [f"row {number}"]}))
    file.close()
    assert pl.read_parquet(tmp_path / "a.parquet")["text"].to_list() == ["row 0", "row 1", "row 2"]


def test_row_groups_come_in_order_small_ones_together_with_the_columns_that_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ParquetFile(tmp_path / "a.parquet", SCHEMA, compression="lz4") as file:
        for number in range(3):
            file.write(pl.DataFrame({"text": [f"row {number}"]}))
    rows = [("row 0",), ("row 1",), ("row 2",)]
    assert [frame.rows() for frame in row_groups(tmp_path / "a.parquet", ["label", "text"])] == [rows]
    monkeypatch.setattr("oreline.data.columnar.FRAME_BYTES", 1)
    assert [frame.rows() for frame in row_groups(tmp_path / "a.parquet")] == [[row] for row in rows]


def test_a_full_disk_keeps_its_number_and_no_file_open() -> None:
    """`/dev/full` refuses every byte, with the error of a full disk. Warnings about open files are errors here."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    frame = pl.DataFrame({"text": ["x" * 1_000_000]})
    with (
        pytest.raises(OSError, match="No space left") as caught,
        ParquetFile(Path("/dev/full"), SCHEMA, compression="none") as file,
    ):
        file.write(frame)
    assert caught.value.errno == 28
    del file, caught
    gc.collect()


def arrow_frame(rows: int, width: int) -> pl.DataFrame:
    """A frame whose strings lie in Arrow's memory, as those that are read from a file."""
    texts = pa.array([f"{number:0{width}d}" for number in range(rows)], pa.large_string())
    return pl.DataFrame(pa.table({"text": texts, "place": pa.array(range(rows))}))


def test_a_compact_frame_holds_no_more_than_its_rows() -> None:
    before = pa.total_allocated_bytes()
    frame = arrow_frame(1000, 1000)
    kept = compact(frame.filter(pl.col("place") % 100 == 0))
    assert kept.equals(frame.filter(pl.col("place") % 100 == 0))
    assert kept.schema == frame.schema
    assert pa.total_allocated_bytes() - before > 1_000_000
    del frame
    assert pa.total_allocated_bytes() - before < 100_000


def test_an_empty_frame_stays_as_it_is() -> None:
    empty = pl.DataFrame(
        {"text": [None, None], "other": [[1], [2]]}, schema={"text": pl.String, "other": pl.List(pl.Int64)}
    )
    assert compact(empty).equals(empty)
    assert compact(empty.clear()).schema == empty.schema
