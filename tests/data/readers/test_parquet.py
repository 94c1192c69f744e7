"""The Parquet reader."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
from tests.data.written import broken_text

from oreline.data.readers.parquet import Reader
from oreline.errors import DataError


def test_rows_and_types_come_back(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": [f"row {i}" for i in range(2500)], "stars": range(2500), "tags": [["a"]] * 2500})
    frame.write_parquet(tmp_path / "data.parquet")
    parts = list(Reader().frames(tmp_path / "data.parquet", rows=1000))
    assert max(part.height for part in parts) <= 1000
    assert pl.concat(parts).equals(frame)


def test_a_file_without_rows_yields_nothing(tmp_path: Path) -> None:
    pl.DataFrame({"text": []}, schema={"text": pl.String}).write_parquet(tmp_path / "data.parquet")
    assert list(Reader().frames(tmp_path / "data.parquet", rows=10)) == []


@pytest.mark.parametrize(("content", "says"), [(b"", "empty"), (b"text,label\n", "cannot be read as Parquet")])
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "data.parquet"
    file.write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        list(Reader().frames(file, rows=10))
    assert caught.value.where == str(file)


def test_damage_in_the_middle_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "data.parquet"
    pl.DataFrame({"text": [f"row {i}" for i in range(5000)]}).write_parquet(file, compression="zstd")
    content = bytearray(file.read_bytes())
    content[100:400] = b"\xff" * 300
    file.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        list(Reader().frames(file, rows=1000))


@pytest.mark.parametrize("as_words", [True, False])
def test_one_text_repeated_is_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, as_words: bool) -> None:
    """A dictionary's entry costs a few bits each time that it stands in a row."""
    monkeypatch.setattr("oreline.data.input.row_sizes.RATIO_FROM_BYTES", 1 << 20)
    file = tmp_path / "data.parquet"
    texts = pl.DataFrame({"text": ["a" * 20_000] * 2000})
    (texts.cast(pl.Categorical) if as_words else texts).write_parquet(file, compression="zstd")
    frames = Reader().frames(file, rows=100)
    with pytest.raises(DataError, match="decompression bomb") as caught:
        list(frames)
    assert caught.value.where is not None
    assert "after row" in caught.value.where
    monkeypatch.undo()
    assert sum(frame.height for frame in Reader().frames(file, rows=100)) == 2000, "little enough to be read"


@pytest.mark.parametrize("num_rows", [5, 200])
@pytest.mark.parametrize("form", ["plain", "list", "struct"])
def test_text_that_is_not_utf8_names_its_row(tmp_path: Path, form: str, num_rows: int) -> None:
    """Polars believes Arrow: with a few rows the process died, with more it panicked."""
    file = tmp_path / "data.parquet"
    text = broken_text(num_rows, at=3)
    lists = pa.ListArray.from_arrays(pa.array(range(num_rows + 1), pa.int32()), text)
    column = {"plain": text, "list": lists, "struct": pa.StructArray.from_arrays([text], ["a"])}[form]
    table = pa.table({"stars": range(num_rows), "text": column})
    pyarrow.parquet.write_table(table, file, row_group_size=2)
    frames = Reader().frames(file, rows=1)
    assert sum(next(frames).height for _ in range(3)) == 3
    with pytest.raises(DataError, match="'text' holds bytes that are not UTF-8") as caught:
        list(frames)
    assert caught.value.where == f"{file}, row 4"
    assert "UTF-8" in (caught.value.remedy or "")


def test_a_bomb_is_refused_by_what_the_file_says_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "data.parquet"
    pyarrow.parquet.write_table(
        pa.table({"text": ["a" * 10_000] * 500}), file, compression="zstd", use_dictionary=False
    )
    monkeypatch.setattr("oreline.data.input.row_sizes.RATIO_FROM_BYTES", 1 << 20)
    monkeypatch.setattr("pyarrow.parquet.ParquetFile", lambda *_, **__: pytest.fail("it was unpacked"))
    with pytest.raises(DataError, match="decompression bomb"):
        list(Reader().frames(file, rows=100))


@pytest.mark.parametrize("form", ["dictionary", "prefix", "list"])
def test_a_text_that_stands_once_and_in_every_row_is_never_unpacked_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """The file says nothing of such repeats: without a bound a batch had 8,192 of them, or a row as many as it liked."""
    text = pa.array(["a" * 50_000] * 300, pa.large_string())
    column = pa.LargeListArray.from_arrays(pa.array([0, 300], pa.int64()), text) if form == "list" else text
    kept = {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}} if form == "prefix" else {}
    file = tmp_path / "data.parquet"
    pyarrow.parquet.write_table(
        pa.table({"text": column}), file, compression="zstd", store_schema=form == "list", **kept
    )
    whole = pl.concat(Reader().frames(file, rows=100))
    assert whole.equals(pl.read_parquet(file))
    monkeypatch.setattr("oreline.data.readers.parquet._BATCH_BYTES", 1 << 20)
    monkeypatch.setattr("oreline.data.input.row_sizes.HELD_BYTES", 1 << 20)
    monkeypatch.setattr("oreline.data.input.row_sizes.RATIO_FROM_BYTES", 1 << 19)
    pool = pa.system_memory_pool()
    before = pa.default_memory_pool()
    pa.set_memory_pool(pool)
    try:
        with pytest.raises(DataError, match="decompression bomb"):
            list(Reader().frames(file, rows=8192))
    finally:
        pa.set_memory_pool(before)
    assert pool.max_memory() < 8 << 20


def test_a_row_above_the_bound_is_named(tmp_path: Path) -> None:
    file = tmp_path / "data.parquet"
    text = "".join(map(chr, range(0x4E00, 0x9000))) * 400
    pl.DataFrame({"text": ["a", "b", text]}).write_parquet(file)
    with pytest.raises(DataError, match="longer than 16 MB") as caught:
        list(Reader().frames(file, rows=100))
    assert caught.value.where == f"{file}, row 3"


def test_a_name_that_stands_twice(tmp_path: Path) -> None:
    file = tmp_path / "data.parquet"
    pyarrow.parquet.write_table(pa.Table.from_arrays([pa.array(["a"])] * 2, names=["text", "text"]), file)
    with pytest.raises(DataError, match="more than once") as caught:
        list(Reader().frames(file, rows=9))
    assert caught.value.where == str(file)
