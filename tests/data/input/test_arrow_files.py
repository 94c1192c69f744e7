"""Damage in Arrow files is an error, wherever it is."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pytest

from oreline.data.input.arrow_files import frames_of
from oreline.errors import DataError


@pytest.mark.parametrize("form", ["file", "stream"])
def test_damage_is_an_error_or_other_text_and_nothing_worse(tmp_path: Path, form: str) -> None:
    table = pa.table({"text": ["好看", "b", None] * 5, "tags": [["a"], [], None] * 5})
    file = tmp_path / "a.arrow"
    with (pa.ipc.new_file if form == "file" else pa.ipc.new_stream)(file, table.schema) as writer:
        writer.write_table(table)
    whole = file.read_bytes()
    chance = random.Random(form)
    num_errors = 0
    for _ in range(200):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        file.write_bytes(data[: chance.randrange(len(data)) if chance.random() < 0.3 else len(data)])
        try:
            rows = [row for frame in frames_of(file, 4) for row in frame.rows()]
        except DataError as error:
            rows, where = [], error.where
            num_errors += str(file) in where
        assert len(rows) <= 15
    assert num_errors > 20


@pytest.mark.parametrize("form", ["file", "stream"])
@pytest.mark.parametrize("as_words", [True, False])
def test_one_text_repeated_is_a_bomb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, *, as_words: bool
) -> None:
    column = pa.array(["a" * 20_000] * 2000)
    table = pa.table({"text": column.dictionary_encode() if as_words else column})
    file = tmp_path / "a.arrow"
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with (pa.ipc.new_file if form == "file" else pa.ipc.new_stream)(file, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=500)
    assert sum(frame.height for frame in frames_of(file, 100)) == 2000, "little enough to be read"
    monkeypatch.setattr("oreline.data.input.row_sizes.RATIO_FROM_BYTES", 1 << 20)
    with pytest.raises(DataError, match="decompression bomb") as caught:
        list(frames_of(file, 100))
    assert str(file) in str(caught.value.where)


@pytest.mark.parametrize("form", ["file", "stream"])
def test_a_packed_batch_that_is_a_bomb_is_never_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    table = pa.table({"text": ["a" * 1000] * 2000})
    file = tmp_path / "a.arrow"
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with (pa.ipc.new_file if form == "file" else pa.ipc.new_stream)(file, table.schema, options=options) as writer:
        writer.write_table(table)
    monkeypatch.setattr("oreline.data.input.row_sizes.RATIO_FROM_BYTES", 1 << 20)
    monkeypatch.setattr("oreline.data.input.row_sizes.MAX_RATIO", 50)
    monkeypatch.setattr("oreline.data.input.arrow_files._batches", lambda *_, **__: pytest.fail("it was unpacked"))
    with pytest.raises(DataError, match="decompression bomb"):
        list(frames_of(file, 100))


def test_text_in_lists_counts_and_a_long_row_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 2000, pa.int32()), pa.array(["a" * 10_000]))
    table = pa.table({"text": pa.ListArray.from_arrays(pa.array(range(0, 2001, 1000), pa.int32()), words)})
    file = tmp_path / "a.arrow"
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    (frame,) = frames_of(file, 10)
    assert frame["text"].list.len().to_list() == [1000, 1000]
    assert frame["text"].dtype == pl.List(pl.String)
    monkeypatch.setattr("oreline.data.input.decoding.MAX_ROW_BYTES", 9 << 20)
    with pytest.raises(DataError, match="longer than") as caught:
        list(frames_of(file, 10))
    assert caught.value.where == f"{file}, row 1"
    monkeypatch.setattr("oreline.data.input.row_sizes.RATIO_FROM_BYTES", 1 << 20)
    with pytest.raises(DataError, match="decompression bomb"):
        list(frames_of(file, 10))
