"""Files that are closed in every case."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from oreline.data import columnar
from oreline.data.columnar import ParquetFile, compact, frames_of, row_groups, rows_at

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


def written(folder: Path, texts: list[str], rows: int) -> pl.LazyFrame:
    with ParquetFile(folder / "a.parquet", SCHEMA, compression="lz4") as file:
        for part in pl.DataFrame({"text": texts}).iter_slices(rows):
            file.write(part)
    return pl.scan_parquet(folder / "a.parquet")


def test_frames_of_a_scan_have_so_many_rows_and_fewer_where_they_are_long(tmp_path: Path) -> None:
    short = written(tmp_path, [f"row {number}" for number in range(2500)], rows=700)
    assert [frame.height for frame in frames_of(short, 1000)] == [1000, 1000, 500]
    assert pl.concat(frames_of(short, 1000)).equals(short.collect())
    long = written(tmp_path, ["x" * 100_000] * 200, rows=50)
    heights = [frame.height for frame in frames_of(long)]
    assert sum(heights) == 200
    assert max(heights) * 100_000 <= columnar.FRAME_BYTES
    assert min(heights[:-1]) * 100_000 > columnar.FRAME_BYTES // 2


@pytest.mark.parametrize("lengths", [[], [0], [9, 0, 9], [3] * 7, [1, 99, 1, 1]])
def test_a_row_longer_than_a_frame_stands_alone(lengths: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "FRAME_BYTES", 8)
    scan = pl.LazyFrame({"text": ["x" * length for length in lengths], "place": range(len(lengths))})
    found = list(frames_of(scan, 2))
    assert pl.concat([scan.clear().collect(), *found]).equals(scan.collect())
    assert all(0 < frame.height <= 2 for frame in found)


def test_long_lists_are_long_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "FRAME_BYTES", 80)
    rows = pl.DataFrame({"place": range(6), "shingles": [[7] * 5] * 4 + [None, [7] * 6]})
    with ParquetFile(tmp_path / "a.parquet", rows.to_arrow().schema, compression="lz4") as file:
        for part in rows.iter_slices(1):
            file.write(part)
    found = list(frames_of(pl.scan_parquet(tmp_path / "a.parquet")))
    assert [frame.height for frame in found] == [2, 3, 1]
    assert pl.concat(found).equals(rows)


def test_rows_at_positions_across_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "FRAME_BYTES", 3)
    scan = pl.DataFrame({"row_id": list("abcdefgh"), "size": range(8)}).lazy()
    assert rows_at(scan, np.array([0, 2, 3, 7], np.uint32)).rows() == [("a", 0), ("c", 2), ("d", 3), ("h", 7)]
    none = rows_at(scan.select("size"), np.array([], np.uint32))
    assert (none.height, none.schema) == (0, {"size": pl.Int64})


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
