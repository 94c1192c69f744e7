"""Damage in Arrow files is an error, wherever it is."""

from __future__ import annotations

import random
from pathlib import Path

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
    monkeypatch.setattr("oreline.data.input.text_bytes.RATIO_FROM_BYTES", 1 << 20)
    with pytest.raises(DataError, match="decompression bomb") as caught:
        list(frames_of(file, 100))
    assert str(file) in str(caught.value.where)
